import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// The page of routes in a browser, of a model with many layers.
@Suite(.serialized, .enabled(if: Browser.path != nil, "\(Browser.absence)"))
struct RoutePageTests {
  /// Forty-eight routers of eight experts, as a library would tell of them.
  private static let page: String = {
    let routers = (0..<48).map {
      Manifest.Router(name: "block.\($0).mixture", experts: 8, choices: 2, capacity: nil)
    }
    let tokens = Array(String(repeating: "to be or not ", count: 12)).map(String.init)
    let choices = routers.indices.map { router in
      tokens.indices.map { token in
        [0, 3].map { choice in
          RoutedText.Choice(
            expert: (router + token + choice) % 8, weight: choice == 0 ? 0.75 : 0.25, isKept: true)
        }
      }
    }
    return RoutePage(
      RoutedText(model: "deep", routers: routers, tokens: tokens, choices: choices),
      note: "48 layers"
    ).html
  }()

  private static let script = """
    setTimeout(() => {
      const results = [];
      const check = (name, holds, detail) => results.push((holds ? "ok " : "FAILED ") + name + ": " + detail);
      const box = (element) => element.getBoundingClientRect();
      try {
        const layers = document.getElementById("layers"), panel = document.getElementById("token");
        const buttons = [...layers.querySelectorAll("button")], rows = [...panel.querySelectorAll("tr")];
        check("a button and a row for each layer", buttons.length === 48 && rows.length === 48, rows.length);
        const end = box(panel).bottom;
        const cut = rows.filter((row) => box(row).top < end - 2 && box(row).bottom > end);
        check("no row is cut", cut.length === 0, cut.length);
        if (innerWidth < 800) {
          const tops = new Set(buttons.map((button) => Math.round(box(button).top)));
          check("buttons are one line", tops.size === 1, tops.size);
          buttons[40].click();
          const { left, right } = box(buttons[40]);
          check("the layer is in sight", left >= 0 && right <= innerWidth, left);
          check("the page is as wide as the phone", document.documentElement.scrollWidth <= innerWidth, innerWidth);
        }
      } catch (error) { results.push("FAILED " + error.stack); }
      results.push(...window.seenErrors.map((error) => "FAILED " + error));
      const text = results.join("\\n");
      if (parent !== window) return parent.postMessage(text, "*");
      document.body.insertAdjacentHTML("beforeend", '<pre id="results"></pre>');
      document.getElementById("results").textContent = text;
    }, 100);
    """

  private func expectAll(_ text: String, _ count: Int) {
    let lines = text.split(separator: "\n")
    #expect(lines.count == count && lines.allSatisfy { $0.hasPrefix("ok ") }, "\(text)")
  }

  @Test func rowsAreWholeOnAScreen() throws {
    let page = try Browser.write(Self.page, adding: Self.script)
    expectAll(try Browser.text(of: "results", in: page), 2)
  }

  @Test func layersAreALineOnAPhone() throws {
    let page = try Browser.framed(try Browser.write(Self.page, adding: Self.script))
    expectAll(try Browser.text(of: "results", in: page), 5)
  }
}
