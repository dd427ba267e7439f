// Docker's configuration files, and which login belongs to which image.

import Foundation
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct RegistryCredentialsTests {
    private func decoded(_ header: String?) -> String? {
        guard let header else { return nil }
        let text = header.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) }
    }

    private func credentials(_ text: String) throws -> RegistryCredentials {
        try RegistryCredentials(Array(text.utf8))
    }

    @Test func `both forms of an entry, and a token`() throws {
        let known = try credentials(
            """
            {"auths":{"reg.example:5000":{"auth":"dXNlcjpwYTpzcw=="},
             "https://other.example/v1/":{"username":"u","password":"p"},
             "quay.example":{"auth":"eDp5","identitytoken":"t0k"},
             "helper.example":{}},"credsStore":"desktop"}
            """)
        #expect(
            decoded(known.authorization(for: "reg.example:5000/team/app:1"))
                == #"{"username":"user","password":"pa:ss","serveraddress":"reg.example:5000"}"#)
        #expect(decoded(known.authorization(for: "other.example/app"))?.contains(#""username":"u""#) == true)
        #expect(
            decoded(known.authorization(for: "quay.example/app"))
                == #"{"identitytoken":"t0k","serveraddress":"quay.example"}"#)
        #expect(known.authorization(for: "helper.example/app") == nil)
        #expect(known.authorization(for: "reg.example/app") == nil)
        #expect(known.authorization(for: "app") == nil)
    }

    @Test func `the older file, and the public registry under all its names`() throws {
        let known = try credentials(#"{"https://index.docker.io/v1/":{"auth":"dTpw","email":"x"}}"#)
        for image in ["busybox", "library/busybox:1", "docker.io/library/busybox", "index.docker.io/me/app"] {
            #expect(decoded(known.authorization(for: image))?.contains("index.docker.io") == true, "\(image)")
        }
        #expect(known.authorization(for: "localhost/app") == nil)
    }

    @Test(arguments: [
        ("nonsense", "not a JSON object"), (#"{"auths":[]}"#, "'auths' is not an object"),
        (#"{"auths":{"r.example":{"auth":"%%%"}}}"#, "the 'auth' of r.example is not user:password in Base64"),
        (#"{"auths":{"r.example":{"auth":"YWJj"}}}"#, "the 'auth' of r.example is not user:password in Base64"),
    ])
    func `what is wrong is said without the secret`(text: String, expected: String) {
        #expect(throws: RegistryCredentialsError(expected)) { try credentials(text) }
    }

    @Test(arguments: [
        ("busybox", "reg.example:5000", "reg.example:5000/busybox"),
        ("team/app:1", "https://reg.example:5000/", "reg.example:5000/team/app:1"),
        ("team/app", "reg.example/mirror", "reg.example/mirror/team/app"),
        ("other.example/app", "reg.example", "other.example/app"),
        ("localhost/app", "reg.example", "localhost/app"),
        ("docker.io/library/busybox", "reg.example", "docker.io/library/busybox"),
        ("busybox", "https://registry-1.docker.io", "busybox"), ("busybox", "", "busybox"),
    ])
    func `an image without a registry comes from the agent's`(name: String, registry: String, expected: String) {
        #expect(ImageReference.name(name, from: registry) == expected)
        #expect(ImageReference.name(name, from: nil) == name)
    }

    @Test func `a login of the image itself or of the sandbox comes first, but not through links`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let launch = MappedTask.launch(AgentConversation.info("t1", docker: true), workDirectory: directory)
        let sandbox = launch.run.sandbox
        try FileManager.default.createDirectory(atPath: sandbox + "/.docker", withIntermediateDirectories: true)
        #expect(try TaskCredentials.find(launch)?.authorization(for: "reg.example/x") == nil)
        let config = #"{"auths":{"reg.example":{"auth":"dTpw"}}}"#
        try Data(config.utf8).write(to: URL(fileURLWithPath: sandbox + "/.docker/config.json"))
        #expect(try TaskCredentials.find(launch)?.authorization(for: "reg.example/x") != nil)
        try FileManager.default.removeItem(atPath: sandbox + "/.docker")
        try FileManager.default.createSymbolicLink(atPath: sandbox + "/.docker", withDestinationPath: "/root/.docker")
        try Data(config.utf8).write(to: URL(fileURLWithPath: directory + "/secret"))
        try FileManager.default.createSymbolicLink(
            atPath: sandbox + "/.dockercfg", withDestinationPath: directory + "/secret")
        #expect(try TaskCredentials.find(launch)?.authorization(for: "reg.example/x") == nil)
        var info = AgentConversation.info("t1")
        info.container.type = .mesos
        info.container.mesos.image.type = .docker
        info.container.mesos.image.docker.name = "reg.example/x"
        info.container.mesos.image.docker.config.type = .value
        info.container.mesos.image.docker.config.value.data = Data(config.utf8)
        let own = MappedTask.launch(info, workDirectory: directory)
        #expect(try TaskCredentials.find(own)?.authorization(for: "reg.example/x") != nil)
    }
}
