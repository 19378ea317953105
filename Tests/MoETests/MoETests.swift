import Testing

@testable import MoE
