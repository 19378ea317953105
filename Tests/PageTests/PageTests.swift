import Foundation
import Page
import Testing

@Suite("A page")
struct PageTests {
  private let hostile = "</script><b>&\"'\u{0}"

  @Test("text cannot end the part that it is in")
  func escaping() {
    let page = Page(
      title: hostile, body: HTML.element("p", ["title": hostile], HTML.escaped(hostile)),
      data: [.init(name: "facts", json: "[\"</script><b>\"]")])
    #expect(!page.html.contains("<b>"))
    #expect(page.html.contains("&lt;/script&gt;&lt;b&gt;&amp;&quot;&#39;\u{FFFD}"))
    #expect(page.html.contains(#"["\u003c/script>\u003cb>"]"#))
    #expect(page.html.components(separatedBy: "<script").count == 3)
    #expect(page.html.components(separatedBy: "</script>").count == 3)
  }

  @Test("nothing is fetched, and the same values give the same bytes")
  func isSelfContained() {
    let page = Page(title: "x", body: "", styles: ["p {}\n"], scripts: ["f();\n"])
    #expect(!page.html.contains("http:") && !page.html.contains("https:"))
    #expect(page.html.contains("default-src 'none'"))
    #expect(page.html == Page(title: "x", body: "", styles: ["p {}\n"], scripts: ["f();\n"]).html)
  }
}
