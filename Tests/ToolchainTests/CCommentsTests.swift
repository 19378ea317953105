import Testing

@testable import Toolchain

@Suite struct CCommentsTests {
  @Test(arguments: [
    ("int a;  // one\nint b;\n", "int a;\nint b;\n"),
    ("int a; /* one\ntwo */ int b;\n", "int a;  \n int b;\n"),
    ("int/**/a;\n", "int a;\n"),
    ("char *s = \"// no /* comment\"; // one\n", "char *s = \"// no /* comment\";\n"),
    (
      "char *s = \"a\\\"// no\"; char c = '\"'; // one\n",
      "char *s = \"a\\\"// no\"; char c = '\"';\n"
    ),
    ("// one \\\nstill\nint a;\n", "\nint a;\n"),
    ("int a = 4 / 2; // one", "int a = 4 / 2; "),
    ("/* open", " "), ("\"open", "\"open"), ("/", "/"), ("", ""),
  ])
  func areRemoved(_ text: String, _ code: String) {
    #expect(String(decoding: CComments.removed(from: Array(text.utf8)), as: UTF8.self) == code)
  }
}
