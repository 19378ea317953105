import CPages

/// One self-contained HTML document: styles, scripts and data inside, no server and no network.
///
/// The shell brings what every page of moec shares: a theme as CSS custom properties (`--text`,
/// `--surface`, `--accent`, `--hue-0` to `--hue-7` …; see page.css), light and dark as the system
/// prefers or as the reader chose, visible focus, system fonts, and a header with the title and the
/// theme's button. The same values give the same bytes.
public struct Page: Sendable, Hashable {
  /// Plain text: the window's title and the page's heading.
  public var title: String

  /// HTML beside the heading, on one line; may be empty.
  public var subtitle: String

  /// HTML of all that follows the header.
  public var body: String

  /// CSS after the shell's own, in order.
  public var styles: [String]

  /// Scripts after the shell's own, in order; they run when the body is there.
  public var scripts: [String]

  /// JSON that scripts read with `pageData(name)`.
  public var data: [Datum]

  /// A JSON text under a name, an HTML id.
  public struct Datum: Sendable, Hashable {
    public var name: String
    public var json: String

    public init(name: String, json: String) {
      self.name = name
      self.json = json
    }
  }

  public init(
    title: String, subtitle: String = "", body: String, styles: [String] = [],
    scripts: [String] = [], data: [Datum] = []
  ) {
    self.title = title
    self.subtitle = subtitle
    self.body = body
    self.styles = styles
    self.scripts = scripts
    self.data = data
  }

  /// The document.
  public var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="generator" content="moec">
    <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
    <title>\(HTML.escaped(title))</title>
    <link rel="icon" href="data:,">
    \(([String(cString: page_css())] + styles).map(HTML.style).joined(separator: "\n"))
    </head>
    <body>
    \(header)
    \(body)
    \(data.map { HTML.json($0.json, id: $0.name) }.joined(separator: "\n"))
    \(([String(cString: page_js())] + scripts).map(HTML.script).joined(separator: "\n"))
    </body>
    </html>

    """
  }

  /// Nothing is fetched from anywhere, whatever the page's text may hold.
  private static let policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

  private var header: String {
    """
    <header class="page-header">
    <h1>\(HTML.escaped(title))</h1>
    <p class="page-subtitle">\(subtitle)</p>
    <button type="button" class="theme-button" id="theme-button">Theme: system</button>
    </header>
    """
  }
}
