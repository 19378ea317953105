import Foundation
import ModelFixtures
import Testing

@testable import Runner

/// Which experts a text's tokens go to, as data, as a table, in colours and as a page.
@Suite struct RoutedTextTests {
  private func choice(_ expert: Int, _ weight: Float = 1, kept: Bool = true) -> RoutedText.Choice {
    RoutedText.Choice(expert: expert, weight: weight, isKept: kept)
  }

  /// Six tokens, two experts of three for each: `a` goes to 0, `b` and the line's end to 2.
  private var small: RoutedText {
    RoutedText(
      model: "small", routers: [.init(name: "block.0.mixture", experts: 3, choices: 2)],
      tokens: ["a", "b", "a", "\n", "a", "b"],
      choices: [
        [
          [choice(0, 0.8), choice(1, 0.2)], [choice(2, 0.9), choice(1, 0.1)],
          [choice(0, 0.7), choice(1, 0.3)], [choice(2, 0.6), choice(0, 0.4)],
          [choice(0, 0.5), choice(1, 0.5, kept: false)], [choice(2, 0.9), choice(1, 0.1)],
        ]
      ])
  }

  @Test func tokensGoWhereTheModelSendsThemWhateverTheWindow() throws {
    let session = try sampleSession(library: ModelFixture.routed())
    let text = "abcdefghij bad cab\nhij fed ace"
    let tokens = try session.coding.encode(text)
    #expect(tokens.count > 3 * session.model.manifest.context)
    let routed = try session.routed(text)
    #expect(routed.tokens.joined() == text)
    #expect(routed.choices.count == 1)
    let found: [[Int]] = routed.choices[0].map { $0.map(\.expert) }
    let expected: [[Int]] = tokens.map { [Int($0) % 2] }
    #expect(found == expected)
    // Shorter than a window, and the first of two.
    for count in [1, 8, 9] {
      let part = try session.routed(String(text.prefix(count)))
      let experts: [[Int]] = part.choices[0].map { $0.map(\.expert) }
      #expect(experts == Array(expected.prefix(count)))
    }
  }

  /// A text in which `a` goes to expert 0 and `b` to expert 2, `times` of each, among as many `c`
  /// that go to any; and one `!` that the idle expert 3 gets alone.
  private func repeated(_ times: Int) -> RoutedText {
    let tokens = (0..<times).flatMap { _ in ["a", "b", "c"] } + ["!"]
    let choices = (0..<times).flatMap { [[choice(0)], [choice(2)], [choice($0 % 3)]] }
    return RoutedText(
      model: "small", routers: [.init(name: "mixture", experts: 4, choices: 1)], tokens: tokens,
      choices: [choices + [[choice(3)]]])
  }

  @Test func favouritesComeMoreOftenThanByChance() throws {
    let shares: [Double] = [4.0 / 12, 5.0 / 12, 3.0 / 12]
    #expect(small.experts()[0].map(\.share) == shares)
    let experts = repeated(30).experts()[0]
    #expect(experts[0].favourites.map(\.token) == ["a"])
    #expect(experts[2].favourites.map(\.token) == ["b"])
    let first = try #require(experts[0].favourites.first)
    #expect(first.count == 30 && first.total == 30)
    // Of 40 in 91 tokens: all 30 would be 2.275 times chance, of which 99 % are sure of 0.82.
    #expect(abs(first.lift - 30 / (30 + 2.576 * 2.576) * 91 / 40) < 1e-9)
    #expect(repeated(30).experts(favourites: 0)[0].allSatisfy { $0.favourites.isEmpty })
  }

  /// A character that occurs once in a text went to its expert as often as it could; of an expert
  /// with a hundredth of the load that would be 91 times chance.
  @Test func whatComesOnceIsNobodysFavourite() {
    let routed = repeated(30)
    #expect(routed.experts()[0][3].share == 1.0 / 91)
    #expect(routed.experts()[0][3].favourites.isEmpty)
    #expect(!routed.table.contains("\"!\" ") && !routed.coloured(width: 80).contains("×  !"))
    #expect(small.experts()[0].allSatisfy { $0.favourites.isEmpty }, "six tokens tell nothing")
    #expect(!RoutePage(routed, note: "").html.contains(#""token":"!""#))
  }

  @Test func theSureShareIsLowerTheLessWasSeen() {
    let shares = [1, 3, 10, 100, 10_000].map { RoutedText.leastShare($0, of: $0) }
    #expect(shares == shares.sorted() && shares[0] < 0.14 && shares[4] > 0.999)
    #expect(RoutedText.leastShare(0, of: 7) == 0 && RoutedText.leastShare(0, of: 0) == 0)
    #expect(abs(RoutedText.leastShare(50, of: 100) - 0.3755) < 1e-3)
  }

  @Test func theTableIsForScripts() {
    #expect(
      small.table == """
        position\ttoken\tblock.0.mixture
        0\t"a"\t0,1
        1\t"b"\t2,1
        2\t"a"\t0,1
        3\t"\\n"\t2,0
        4\t"a"\t0,(1)
        5\t"b"\t2,1

        router\texpert\tshare\tfavourites
        block.0.mixture\t0\t0.3333\t
        block.0.mixture\t1\t0.4167\t
        block.0.mixture\t2\t0.2500\t

        """)
    #expect(repeated(30).table.contains("\nmixture\t0\t0.4396\t\"a\" 1.86\n"))
  }

  @Test func coloursHaveALineForEachChoice() {
    let lines = small.coloured(width: 80).split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.replacing(/\u{1b}\[[0-9;]*m/, with: "") }
    #expect(lines[0] == "block.0.mixture")
    #expect(Array(lines[2...5]) == ["aba⏎", "1110", "ab", "11"])
    #expect(lines[7] == " 0   33.3 %  ")
    let more = repeated(30).coloured(width: 80).replacing(/\u{1b}\[[0-9;]*m/, with: "")
    #expect(more.contains("\n 0   44.0 %  a ≥1.9×\n"))
    #expect(small.coloured(width: 1).contains("\u{1b}["))
  }

  /// A character that shows nothing, or turns round what follows, is shown by another.
  @Test func charactersThatShowNothingAreSeen() {
    var odd = small
    odd.tokens = ["a", "\u{202e}", "\u{200d}", "\n", "\u{e0041}", "b"]
    #expect(odd.table.contains("\n1\t\"\\u202e\"\t2,1\n"), "\(odd.table)")
    #expect(odd.table.contains("\n4\t\"\\udb40\\udc41\"\t0,(1)\n"), "\(odd.table)")
    let lines = odd.coloured(width: 80).split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.replacing(/\u{1b}\[[0-9;]*m/, with: "") }
    #expect(Array(lines[2...5]) == ["a··⏎", "1110", "·b", "11"])
  }

  // MARK: - The command

  private func route(
    _ text: String, _ more: [String] = [], library: String? = nil
  ) throws -> Command {
    let data = try fileWith(sampleText())
    return try Command.moec(
      ["run", try library ?? ModelFixture.routed(), "--route", text, "--data", data] + more)
  }

  @Test func aPipeGetsThePlainTable() throws {
    let result = try route("bad cab")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("position\ttoken\texpert\n0\t\"b\"\t"))
    #expect(!result.output.contains("\u{1b}"))
    let dashes = try route("-a")
    #expect(dashes.errors.contains("'-'"), "a text may begin with a dash: \(dashes.errors)")
  }

  @Test func aTerminalGetsColoursUnlessToldOtherwise() throws {
    let data = try fileWith(sampleText())
    let words =
      "'\(try Command.moecPath())' run '\(try ModelFixture.routed())' --route bad --data '\(data)'"
    guard try Command.shell("command -v script").status == 0 else { return }
    func shown(_ environment: String) throws -> String {
      try Command.shell(
        "env -u NO_COLOR TERM=xterm \(environment) script -qec \"$1\" /dev/null", [words]
      ).output
    }
    let coloured = try shown("")
    #expect(coloured.contains("\u{1b}[38;5;16;48;5;"), "\(coloured)")
    #expect(try !shown("NO_COLOR=1").contains("\u{1b}["))
    #expect(try shown("NO_COLOR=1").contains("0\t\"b\"\t"))
  }

  @Test func whatCannotBeShownIsRefused() throws {
    let empty = try route("")
    #expect(empty.status == 1 && empty.errors.contains("error: the text is empty"))
    let unknown = try route("Z")
    #expect(unknown.status == 1 && unknown.errors.contains("Z"))
    let plain = try route("a", library: ModelFixture.bigram())
    #expect(plain.status == 1 && plain.errors.contains("error: bigram routes nothing"))
    let folder = try ModelFixture.folder()
    #expect(
      try route("a", ["--html", folder + "/absent/p.html"]).errors.contains("make the folder"))
    let wrong = [
      ["--train", "--route", "a"], ["--evaluate", "--html", "p"], [], ["--html", "p"],
    ]
    for words in wrong {
      let usage = try Command.moec(["run", try ModelFixture.routed()] + words)
      #expect(usage.status == 64, "\(words): \(usage.errors)")
    }
    #expect(
      try route("a", ["--steps", "4"]).errors.contains("--steps has no meaning with --route"))
  }

  // MARK: - The page

  private func page(_ text: String) throws -> String {
    let path = try ModelFixture.folder() + "/page.html"
    let result = try route(text, ["--html", path])
    #expect(result.status == 0 && result.output == "", "\(result.errors)")
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test func thePageHoldsAllItNeeds() throws {
    let html = try page("bad cab")
    #expect(html == (try page("bad cab")), "the same bytes every time")
    #expect(!html.contains("http://") && !html.contains("https://"))
    let evil = RoutePage(small.renamed("</script><b>"), note: "<i>").html
    #expect(!evil.contains("</script><b>") && !evil.contains("<i>"))
  }

  static let browser: String? = {
    let found = try? Command.shell("command -v chromium || command -v google-chrome")
    return found?.status == 0 ? found?.output.split(separator: "\n").first.map(String.init) : nil
  }()

  @Test(.enabled(if: browser != nil, "Debian's chromium is not installed"), arguments: [1280, 390])
  func thePageWorksInABrowser(width: Int) throws {
    let path = try ModelFixture.folder() + "/page.html"
    let script = """
      const lines = [];
      const check = (name, right) => lines.push((right ? "ok " : "failed ") + name);
      const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key }));
      const spans = [...document.querySelectorAll("#text span")];
      const others = () => spans.filter((span) => span.classList.contains("other")).length;
      check("tokens", spans.length === 6);
      check("nothing is turned round", spans[5].textContent === "·");
      check("experts", document.querySelectorAll("#experts button").length === 3);
      const layer = document.querySelector("#layers [aria-checked=true]");
      check("layer", layer.textContent === "block.0.mixture");
      const colours = spans.map((span) => getComputedStyle(span).backgroundColor);
      check("colours", colours[0] !== colours[1] && colours[0] === colours[2]);
      press("2");
      check("only one expert", others() === 3);
      press("Escape");
      check("all again", others() === 0);
      press("ArrowRight");
      check("next token", spans[1].classList.contains("current"));
      check("its experts", /90 %.*10 %/.test(document.getElementById("token").textContent));
      press("ArrowDown");
      check("fits", document.documentElement.scrollWidth <= innerWidth);
      parent.postMessage(lines.join("\\n"), "*");
      """
    var text = small
    text.tokens[5] = "\u{202e}"
    let html = RoutePage(text, note: "six tokens").html
    try html.replacing("</body>", with: "<script>\(script)</script></body>")
      .write(toFile: path, atomically: true, encoding: .utf8)
    // A window is never narrower than 500 pixels; a frame is.
    let frame = path + ".frame.html"
    try """
    <!DOCTYPE html><body><script>
    addEventListener("message", (event) => {
      document.body.insertAdjacentHTML("beforeend", `<pre id="results">${event.data}</pre>`);
    });
    </script>
    <iframe src="page.html" style="width: \(width)px; height: 800px; border: 0"></iframe>
    """
    .write(toFile: frame, atomically: true, encoding: .utf8)
    let shown = try Command.run(
      Self.browser ?? "",
      [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,900",
        "--user-data-dir=\(try ModelFixture.folder())", "--virtual-time-budget=20000", "--dump-dom",
        "file://\(frame)",
      ])
    let results = try #require(shown.output.components(separatedBy: "<pre id=\"results\">").last)
    let lines = results.components(separatedBy: "</pre>")[0].split(separator: "\n")
    #expect(lines.count == 10 && lines.allSatisfy { $0.hasPrefix("ok ") }, "\(lines)")
  }
}

extension RoutedText {
  fileprivate func renamed(_ name: String) -> RoutedText {
    var copy = self
    copy.model = name
    copy.routers[0].name = name
    copy.tokens[0] = name
    return copy
  }
}
