import Testing

@testable import Toolchain
