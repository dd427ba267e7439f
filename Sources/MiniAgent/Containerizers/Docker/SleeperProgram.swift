// A program of nine or 28 bytes that waits for ever, and the archive that makes an image of it.

/// An ELF file written out by hand: the image must be there where no registry is, and costs nothing to keep running.
enum SleeperProgram {
    /// For this processor; nil for one we do not know.
    static var bytes: [UInt8]? {
        #if arch(x86_64)
            // again: mov eax, 34 (pause); syscall; jmp again
            executable(machine: 0x3E, code: [0xB8, 0x22, 0, 0, 0, 0x0F, 0x05, 0xEB, 0xF7])
        #elseif arch(arm64)
            // again: x0 to x3 = 0, x8 = 73 (ppoll); svc 0; b again
            executable(
                machine: 0xB7,
                code: [
                    0xD280_0000, 0xD280_0001, 0xD280_0002, 0xD280_0003, 0xD280_0928, 0xD400_0001, 0x17FF_FFFA,
                ].flatMap { (word: UInt32) in little(word) })
        #else
            nil
        #endif
    }

    /// One loadable segment, which is the whole file.
    static func executable(machine: UInt16, code: [UInt8]) -> [UInt8] {
        let base: UInt64 = 0x40_0000
        let headers: UInt64 = 64 + 56
        let size = headers + UInt64(code.count)
        var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        file += little(UInt16(2)) + little(machine) + little(UInt32(1))  // An executable, of the one version there is.
        file += little(base + headers) + little(UInt64(64)) + little(UInt64(0))  // Entry, segments, no sections.
        file += little(UInt32(0)) + little(UInt16(64)) + little(UInt16(56)) + little(UInt16(1))
        file += [UInt8](repeating: 0, count: 6)
        file += little(UInt32(1)) + little(UInt32(5)) + little(UInt64(0)) + little(base) + little(base)
        file += little(size) + little(size) + little(UInt64(0x1_0000))
        return file + code
    }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// A tar archive with the program as `/hold`.
    static func archive(_ program: [UInt8]) -> [UInt8] {
        func field(_ text: String, _ width: Int) -> [UInt8] {
            Array(text.utf8.prefix(width)) + [UInt8](repeating: 0, count: max(0, width - text.utf8.count))
        }
        func octal(_ value: Int, _ width: Int) -> [UInt8] {
            let digits = String(value, radix: 8)
            return field(String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits, width)
        }
        let before =
            field("hold", 100) + octal(0o755, 8) + octal(0, 8) + octal(0, 8) + octal(program.count, 12)
            + octal(0, 12)
        let after = field("0", 1) + field("", 100) + field("ustar", 6) + Array("00".utf8)
        let sum = (before + [UInt8](repeating: 0x20, count: 8) + after).reduce(0) { $0 + Int($1) }
        let header = before + octal(sum, 7) + [0x20] + after
        let padding = [UInt8](repeating: 0, count: (512 - program.count % 512) % 512)
        return header + [UInt8](repeating: 0, count: 512 - header.count) + program + padding
            + [UInt8](repeating: 0, count: 1024)
    }
}
