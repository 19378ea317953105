import Foundation

/// Debian's chromium without a window.
public enum Browser {
  /// Where it is; nil: nowhere.
  public static let path: String? = {
    let names = ["chromium", "chromium-browser", "google-chrome"]
    let script = names.map { "command -v \($0)" }.joined(separator: " || ")
    guard let found = try? Command.run("/bin/sh", ["-c", script]), found.status == 0 else {
      return nil
    }
    return found.output.split(separator: "\n").first.map(String.init)
  }()

  public static let absence = "Debian's chromium is not installed"

  /// The text of an element of a page after its scripts ran, timers included unless `inRealTime`.
  public static func text(of id: String, in page: String, inRealTime: Bool = false) throws -> String
  {
    let profile = try ModelFixture.folder()
    let time = inRealTime ? [] : ["--virtual-time-budget=60000"]
    let flags = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
      "--user-data-dir=\(profile)", "--window-size=1440,900", "--dump-dom",
    ]
    let shown = try Command.run(path ?? "chromium", flags + time + ["file://" + page])
    let start = shown.output.range(of: "<pre id=\"\(id)\">", options: .backwards)
    guard let start, let end = shown.output[start.upperBound...].range(of: "</pre>") else {
      return "no \(id) in the page: \(shown.errors.suffix(2000))"
    }
    return String(shown.output[start.upperBound..<end.lowerBound])
  }

  /// Writes a page with a script at its end, and with an ear for errors at its start.
  public static func write(_ html: String, adding script: String) throws -> String {
    let ear = """
      <script>
      window.seenErrors = [];
      for (const kind of ["error", "unhandledrejection", "securitypolicyviolation"]) {
        addEventListener(kind, (event) =>
          seenErrors.push(kind + " " + (event.message || event.reason || event.violatedDirective)));
      }
      console.error = (...words) => seenErrors.push(words.join(" "));
      </script>
      """
    let heard = html.replacingOccurrences(of: "<head>", with: "<head>" + ear)
    let end = heard.range(of: "</body>", options: .backwards)
    let at = end?.lowerBound ?? heard.endIndex
    let text = heard[..<at] + "<script>\(script)</script>" + heard[at...]
    let path = try ModelFixture.folder() + "/page.html"
    try String(text).write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// A page that shows another in a frame of a phone's size, and that page's results.
  public static func framed(_ page: String) throws -> String {
    let path = try ModelFixture.folder() + "/frame.html"
    try """
    <!DOCTYPE html><html><body>
    <iframe src="file://\(page)" style="width: 390px; height: 844px; border: 0"></iframe>
    <script>
    addEventListener("message", (event) => {
      const output = document.createElement("pre");
      output.id = "results";
      output.textContent = event.data;
      document.body.append(output);
    });
    </script>
    </body></html>
    """.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}
