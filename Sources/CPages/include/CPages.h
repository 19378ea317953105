// CPages.h: the styles, scripts and parts of moec's pages, carried in it as they stand in the files of this target.
#ifndef CPAGES_H
#define CPAGES_H

#include "CCarried.h"

#define CPAGES_FILES(FILE) \
    FILE(page_css, "page/page.css") \
    FILE(page_js, "page/page.js") \
    FILE(chart_css, "charts/chart.css") \
    FILE(chart_view_js, "charts/view.js") \
    FILE(chart_js, "charts/chart.js") \
    FILE(routes_css, "routes/routes.css") \
    FILE(routes_html, "routes/routes.html") \
    FILE(routes_js, "routes/routes.js") \
    FILE(search_css, "search/search.css") \
    FILE(search_plots_js, "search/plots.js") \
    FILE(search_js, "search/search.js") \
    FILE(inspect_panes_html, "inspection/panes.html") \
    FILE(inspect_css, "inspection/inspect.css") \
    FILE(inspect_search_css, "inspection/search.css") \
    FILE(inspect_memory_css, "inspection/memory.css") \
    FILE(inspect_text_js, "inspection/text.js") \
    FILE(inspect_model_js, "inspection/model.js") \
    FILE(inspect_panes_js, "inspection/panes.js") \
    FILE(inspect_memory_js, "inspection/memory.js") \
    FILE(inspect_details_js, "inspection/details.js") \
    FILE(inspect_places_js, "inspection/places.js") \
    FILE(inspect_search_js, "inspection/search.js") \
    FILE(inspect_split_js, "inspection/split.js") \
    FILE(inspect_js, "inspection/inspect.js")

// The text of each of these files.
CPAGES_FILES(CARRIED_FUNCTION)

#endif
