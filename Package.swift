// swift-tools-version: 6.2
import PackageDescription

/// One language mode and one set of checks for every Swift target. `make check` and `make test` turn warnings into errors;
/// whoever builds with another compiler, which may know more warnings, is spared that.
let strict: [SwiftSetting] =
    [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]
    + (Context.environment["MINI_WARNINGS_AS_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)])

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let sqlite: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "mini-mesos",
    products: [
        .executable(name: "mini", targets: ["mini"]),
        .executable(name: "mini-supervisor", targets: ["mini-supervisor"]),
        .executable(name: "mini-fetcher", targets: ["mini-fetcher"]),
        .library(name: "MiniMaster", targets: ["MiniMaster"]),
        .library(name: "MiniAgent", targets: ["MiniAgent"]),
        .library(name: "Allocator", targets: ["Allocator"]),
        .library(name: "JenkinsFramework", targets: ["JenkinsFramework"]),
        .library(name: "SchedulerClient", targets: ["SchedulerClient"]),
        .library(name: "DevCluster", targets: ["DevCluster"]),
        // What a framework beside the client of the scheduler API needs.
        .library(name: "MesosProtocol", targets: ["MesosProtocol"]),
        .library(name: "MasterDetection", targets: ["MasterDetection"]),
        .library(name: "Resources", targets: ["Resources"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // C libraries and the kernel, each with one Swift owner.
        .target(name: "CLinux"),
        .target(name: "CSupervisor", dependencies: ["CLinux"]),
        .systemLibrary(name: "CZooKeeper", providers: [.apt(["libzookeeper-mt-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CArchive", providers: [.apt(["libarchive-dev"])]),

        // Nouns: pure values.
        .target(name: "Resources", swiftSettings: strict),
        .target(name: "Metrics", swiftSettings: strict),
        .target(name: "Allocator", dependencies: ["Resources"], swiftSettings: strict),
        .target(name: "MesosProtocol", dependencies: ["Resources", protobuf], swiftSettings: strict),

        // Mechanisms that know nothing of Mesos.
        .target(name: "Mailbox", swiftSettings: strict),
        .target(name: "Processes", dependencies: ["CLinux", "Mailbox"], swiftSettings: strict),
        .target(name: "Beneath", dependencies: ["CLinux", "TextTables"], swiftSettings: strict),
        .target(name: "Hashing", swiftSettings: strict),
        .target(name: "DatabaseFile", dependencies: [sqlite], swiftSettings: strict),
        .target(name: "XML", swiftSettings: strict),
        .target(name: "Unpacking", dependencies: ["CArchive", "Beneath", "Hashing"], swiftSettings: strict),
        .target(name: "ZooKeeper", dependencies: ["CZooKeeper", "Mailbox"], swiftSettings: strict),
        .target(name: "HTTPClient", dependencies: ["CCurl", "CLinux", "Mailbox"], swiftSettings: strict),
        .target(
            name: "HTTPServer",
            dependencies: nio + [
                .product(name: "NIOTLS", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                "Mailbox", "CLinux", "CZlib", "TextTables",
            ],
            swiftSettings: strict),

        // Who may do what, and where settings come from: pure, shared by the programs.
        .target(name: "Security", dependencies: ["MesosProtocol", "Resources"], swiftSettings: strict),
        .target(name: "Settings", swiftSettings: strict),
        .target(name: "TextTables", swiftSettings: strict),

        // Security where HTTP comes in.
        .target(
            name: "HTTPAccess",
            dependencies: [
                "HTTPServer", "Security", "MesosProtocol", "Resources", "Mailbox", "TextTables", protobuf, logging,
            ],
            swiftSettings: strict),

        // Services.
        .target(
            name: "MasterDetection", dependencies: ["MesosProtocol", "ZooKeeper", "Mailbox", logging],
            swiftSettings: strict),
        .target(
            name: "SchedulerClient",
            dependencies: ["MesosProtocol", "MasterDetection", "HTTPClient", "Mailbox", "Resources", logging],
            swiftSettings: strict),

        .target(
            name: "OperatorClient",
            dependencies: ["MesosProtocol", "MasterDetection", "HTTPClient", "Resources", "TextTables", protobuf],
            swiftSettings: strict),
        .target(
            name: "Alerts",
            dependencies: [
                "HTTPClient", "Mailbox", "Resources", "Settings", "TextTables", logging,
                .product(name: "Yams", package: "Yams"),
            ], swiftSettings: strict),

        // Programs: they never import one another.
        .target(name: "ClusterHistory", dependencies: ["DatabaseFile", sqlite], swiftSettings: strict),
        .target(
            name: "MiniMaster",
            dependencies: [
                "Alerts", "ClusterHistory", "DatabaseFile", "HTTPClient", "HTTPAccess", "Allocator", "Metrics",
                "Resources", "Security",
                "MesosProtocol", "ZooKeeper", "MasterDetection",
                "HTTPServer",
                "Mailbox", "TextTables",
                protobuf, logging,
            ], exclude: ["WebUI/Files"], swiftSettings: strict),
        .target(
            name: "MiniAgent",
            dependencies: [
                "HTTPAccess", "CLinux", "Beneath", "Hashing", "Metrics", "Processes", "Resources", "Security",
                "MesosProtocol",
                "MasterDetection", "HTTPClient",
                "HTTPServer", "Mailbox",
                protobuf, logging,
            ], swiftSettings: strict),
        .target(
            name: "JenkinsUsage", dependencies: ["DatabaseFile", "TextTables", sqlite], swiftSettings: strict),
        .target(
            name: "JenkinsFramework",
            dependencies: [
                "DatabaseFile",
                "JenkinsUsage", "SchedulerClient", "MasterDetection", "MesosProtocol", "Metrics", "Resources",
                "HTTPClient", "HTTPServer", "Mailbox", "Processes", "TextTables", "XML", "ZooKeeper",
                logging, .product(name: "Yams", package: "Yams"),
            ], swiftSettings: strict),
        .target(
            name: "PracticeJenkins", dependencies: ["Hashing", "XML", "HTTPServer", "Mailbox", logging],
            swiftSettings: strict),

        // Wiring.
        .target(
            name: "DevCluster",
            dependencies: ["Processes", "HTTPClient", "Mailbox"], swiftSettings: strict),
        .target(
            name: "TaskRun",
            dependencies: [
                "CLinux", "OperatorClient", "SchedulerClient", "MasterDetection", "MesosProtocol", "Resources",
                "HTTPClient", "Mailbox", logging,
            ], swiftSettings: strict),
        .target(
            name: "LoadTest",
            dependencies: [
                "CLinux", "DevCluster", "MasterDetection", "SchedulerClient", "HTTPClient", "ZooKeeper",
                "MesosProtocol",
                "Resources", "Mailbox", "Processes", protobuf, logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "mini",
            dependencies: [
                "CSupervisor", "DevCluster", "TaskRun", "MiniMaster", "MiniAgent", "JenkinsFramework",
                "JenkinsUsage", "DatabaseFile", "OperatorClient", "TextTables", "PracticeJenkins", "LoadTest",
                "Security", "Settings",
                "HTTPClient", "HTTPServer",
                "Processes",
                "Alerts", "Allocator", "MasterDetection", "MesosProtocol", "Resources", "ZooKeeper", "Mailbox", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict),
        // There is one for each task: it starts without the Swift runtime and without a dynamic linker.
        .executableTarget(
            name: "mini-supervisor", dependencies: ["CSupervisor"],
            linkerSettings: [
                .unsafeFlags(["-nostartfiles", "-static-executable"], .when(configuration: .release))
            ]),
        .executableTarget(name: "mini-fetcher", dependencies: ["Unpacking"], swiftSettings: strict),

        // Tests.
        .target(name: "SimKit", dependencies: ["Mailbox", "Resources"], path: "Tests/SimKit", swiftSettings: strict),
        .testTarget(
            name: "ClusterSimulationTests",
            dependencies: ["Allocator", "SimKit", "MiniMaster", "MiniAgent", "MesosProtocol", "Resources"],
            swiftSettings: strict),
        .testTarget(
            name: "MiniAgentTests",
            dependencies: ["SimKit", "MiniAgent", "Beneath", "HTTPServer", "Mailbox", "MesosProtocol", "Resources"],
            swiftSettings: strict),
        .testTarget(name: "UnpackingTests", dependencies: ["Unpacking", "Beneath", "Hashing"], swiftSettings: strict),
        .executableTarget(
            name: "crash-agent",
            dependencies: ["MiniAgent", "MasterDetection", "MesosProtocol", "HTTPClient", "Mailbox", logging],
            path: "IntegrationTests/CrashAgent", swiftSettings: strict),
        .testTarget(
            name: "AgentIntegrationTests",
            dependencies: [
                "IntegrationSupport", "MiniAgent", "mini-supervisor", "mini-fetcher", "crash-agent", "Processes",
                "MasterDetection", "MesosProtocol", "HTTPClient", "HTTPServer", "Mailbox", "Resources", logging,
            ], path: "IntegrationTests/AgentTests", swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: ["IntegrationSupport"], swiftSettings: strict),
        .testTarget(
            name: "AlertsTests",
            dependencies: ["Alerts", "HTTPClient", "Resources", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        .testTarget(
            name: "MetricsTests", dependencies: ["Metrics", "MiniMaster", "MiniAgent", "JenkinsFramework"],
            swiftSettings: strict),
        .testTarget(name: "SecurityTests", dependencies: ["Security", "Resources"], swiftSettings: strict),
        .testTarget(name: "SettingsTests", dependencies: ["Settings"], swiftSettings: strict),
        .testTarget(
            name: "MiniTests",
            dependencies: [
                "mini", "Allocator", "Settings", "MiniMaster", "MiniAgent", "MasterDetection", "MesosProtocol",
                "Resources", "HTTPServer", "Mailbox",
                "TaskRun", logging, .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .testTarget(name: "DevClusterTests", dependencies: ["DevCluster"], swiftSettings: strict),
        .testTarget(
            name: "TaskRunTests", dependencies: ["TaskRun", "MesosProtocol", "Resources"], swiftSettings: strict),
        .testTarget(
            name: "MesosProtocolTests", dependencies: ["MesosProtocol", "Resources", protobuf], swiftSettings: strict),
        .testTarget(
            name: "LoadTestTests", dependencies: ["LoadTest", "MesosProtocol", "Resources", protobuf],
            swiftSettings: strict),
        .testTarget(name: "MailboxTests", dependencies: ["Mailbox"], swiftSettings: strict),
        .testTarget(
            name: "CLinuxTests", dependencies: ["CLinux", "Processes", "mini-supervisor"], swiftSettings: strict),
        .testTarget(
            name: "HTTPServerTests", dependencies: nio + ["HTTPServer", "Mailbox", "CZlib"], swiftSettings: strict),
        .testTarget(
            name: "HTTPClientTests", dependencies: ["HTTPClient", "HTTPServer", "Mailbox"], swiftSettings: strict),
        .testTarget(
            name: "MiniMasterTests",
            dependencies: [
                "MiniMaster", "ClusterHistory", "Allocator", "HTTPServer", "HTTPClient", "MasterDetection",
                "MesosProtocol", "Resources", "Security",
                "Mailbox",
                logging,
            ], exclude: ["Shapes"], swiftSettings: strict),
        .testTarget(name: "ResourcesTests", dependencies: ["Resources", "SimKit"], swiftSettings: strict),
        .testTarget(name: "ZooKeeperTests", dependencies: ["ZooKeeper"], swiftSettings: strict),
        .testTarget(
            name: "MasterDetectionTests", dependencies: ["MasterDetection", "MesosProtocol", "ZooKeeper"],
            swiftSettings: strict),
        .target(
            name: "IntegrationSupport", dependencies: ["DevCluster", "Mailbox", "Processes"],
            path: "IntegrationTests/TestSupport", swiftSettings: strict),
        .executableTarget(
            name: "zookeeper-holder", dependencies: ["ZooKeeper"], path: "IntegrationTests/ZooKeeperHolder",
            swiftSettings: strict),
        .testTarget(
            name: "ZooKeeperIntegrationTests",
            dependencies: [
                "ZooKeeper", "MasterDetection", "MesosProtocol", "DevCluster", "IntegrationSupport", "zookeeper-holder",
                "Mailbox", "Processes", logging,
            ], path: "IntegrationTests/ZooKeeperTests", swiftSettings: strict),
        .testTarget(
            name: "MasterIntegrationTests",
            dependencies: [
                "MiniMaster", "ClusterHistory", "DevCluster", "IntegrationSupport", "HTTPClient", "ZooKeeper",
                "MasterDetection",
                "MesosProtocol", "Resources", "Mailbox", "Processes", "mini", logging,
            ], path: "IntegrationTests/MasterTests", swiftSettings: strict),
        .testTarget(
            name: "SchedulerClientTests", dependencies: ["SchedulerClient", "Resources"], swiftSettings: strict),
        .testTarget(
            name: "JenkinsFrameworkTests",
            dependencies: [
                "JenkinsFramework", "JenkinsUsage", "MasterDetection", "MesosProtocol", "Processes", "Resources",
                "Mailbox", "SimKit", logging,
            ], swiftSettings: strict),
        .testTarget(
            name: "ClusterHistoryTests", dependencies: ["ClusterHistory", "DatabaseFile"], swiftSettings: strict),
        .testTarget(
            name: "JenkinsUsageTests", dependencies: ["DatabaseFile", "JenkinsUsage", "TextTables"],
            swiftSettings: strict),
        .testTarget(
            name: "OperatorClientTests",
            dependencies: ["OperatorClient", "MasterDetection", "MesosProtocol", "Resources", "TextTables"],
            exclude: ["Golden"],
            swiftSettings: strict),
        .testTarget(name: "PracticeJenkinsTests", dependencies: ["PracticeJenkins", "XML"], swiftSettings: strict),
        .testTarget(
            name: "PracticeJenkinsIntegrationTests",
            dependencies: ["PracticeJenkins", "DevCluster", "HTTPClient", "Processes", "IntegrationSupport", logging],
            path: "IntegrationTests/PracticeJenkinsTests", swiftSettings: strict),
        .testTarget(
            name: "JenkinsIntegrationTests",
            dependencies: [
                "LoadTest", "PracticeJenkins", "DevCluster", "IntegrationSupport", "mini", "mini-supervisor",
                "HTTPClient", "JenkinsUsage", "Processes",
            ], path: "IntegrationTests/JenkinsTests", swiftSettings: strict),
        .testTarget(
            name: "ClientIntegrationTests",
            dependencies: [
                "DevCluster", "IntegrationSupport", "HTTPClient", "MesosProtocol", "Processes", "mini",
                "mini-supervisor",
            ],
            path: "IntegrationTests/ClientTests", swiftSettings: strict),
        .testTarget(
            name: "ChaosIntegrationTests",
            dependencies: [
                "DevCluster", "IntegrationSupport", "mini", "mini-supervisor", "SchedulerClient", "MasterDetection",
                "MesosProtocol", "Resources", "HTTPClient", "ZooKeeper", "Processes", "Mailbox", logging,
            ], path: "IntegrationTests/ChaosTests", swiftSettings: strict),
        .testTarget(
            name: "WebIntegrationTests",
            dependencies: ["IntegrationSupport", "mini", "mini-supervisor", "Processes", "Mailbox"],
            path: "IntegrationTests/WebTests", swiftSettings: strict),
        .testTarget(
            name: "SecurityIntegrationTests",
            dependencies: [
                "DevCluster", "IntegrationSupport", "mini", "mini-supervisor", "SchedulerClient", "MasterDetection",
                "MesosProtocol", "Resources", "HTTPClient", "HTTPServer", "Processes", "Mailbox", logging,
            ], path: "IntegrationTests/SecurityTests", swiftSettings: strict),
        .testTarget(
            name: "ClusterIntegrationTests",
            dependencies: [
                "DevCluster", "IntegrationSupport", "JenkinsUsage", "PracticeJenkins", "mini", "mini-supervisor",
                "SchedulerClient", "MasterDetection",
                "MesosProtocol", "Resources", "HTTPClient", "Processes", "Mailbox", logging,
                .product(name: "Yams", package: "Yams"),
            ], path: "IntegrationTests/ClusterTests", exclude: ["Monitoring/Rules"], swiftSettings: strict),
        .testTarget(
            name: "PackageIntegrationTests",
            dependencies: [
                "DevCluster", "IntegrationSupport", "mini", "mini-supervisor", "mini-fetcher", "SchedulerClient",
                "MasterDetection", "MesosProtocol", "Resources", "HTTPClient", "Processes", "Mailbox", logging,
            ], path: "IntegrationTests/PackageTests", swiftSettings: strict),
        // The package of Examples/framework-test once more, so that it is compiled and run with everything else. It sees no
        // more than its own build does: what is public.
        .target(
            name: "OneShot",
            dependencies: ["SchedulerClient", "MasterDetection", "MesosProtocol", "Resources", logging],
            path: "Examples/framework-test/Sources/OneShot", packageAccess: false, swiftSettings: strict),
        .testTarget(
            name: "ExampleIntegrationTests", dependencies: ["OneShot", "DevCluster", "mini", "mini-supervisor"],
            path: "Examples/framework-test/Tests/OneShotTests", packageAccess: false, swiftSettings: strict),
        .testTarget(
            name: "AllocatorTests", dependencies: ["Allocator", "AllocatorTwin", "Resources", "SimKit"],
            exclude: ["Scripts"], swiftSettings: strict),
        .target(
            name: "AllocatorTwin", dependencies: ["Allocator", "Resources", "SimKit"], path: "Tests/AllocatorTwin",
            swiftSettings: strict),
        .executableTarget(
            name: "allocator-fuzz", dependencies: ["AllocatorTwin"], path: "Benchmarks/AllocatorFuzz",
            swiftSettings: strict),
        .executableTarget(
            name: "AllocatorBenchmark", dependencies: ["Allocator", "Resources"], path: "Benchmarks/Allocator",
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
