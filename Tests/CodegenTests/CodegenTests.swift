import Testing

@testable import Codegen
