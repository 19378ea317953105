import Testing

@testable import Inspection

@Suite("Definitions in C")
struct CDefinitionsTests {
  @Test("functions are found, declarations and types are not")
  func functions() {
    let text = """
      #define MAX(a, b) ((a) > (b))
      typedef void (*visitor)(int);
      void declared(int a,
                    int b);
      INLINE int small(int a) { return a; }
      KERNEL void large(float *restrict y,
                        int n) {
          if (n) { y[0] = 1; }
      }
      typedef struct {
          int width;
      } pair;
      """
    #expect(
      CDefinitions(text).found == [
        .init(name: "small", first: 5, last: 5), .init(name: "large", first: 6, last: 9),
      ])
  }
}
