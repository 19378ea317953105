import Testing

@testable import Passes
