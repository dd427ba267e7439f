// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "framework-test",
    dependencies: [
        // Your own package would name the repository's URL and a version here.
        .package(name: "mini-mesos", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // The framework: it needs no more than a client of the scheduler API.
        .target(
            name: "OneShot",
            dependencies: [
                .product(name: "SchedulerClient", package: "mini-mesos"),
                .product(name: "MasterDetection", package: "mini-mesos"),
                .product(name: "MesosProtocol", package: "mini-mesos"),
                .product(name: "Resources", package: "mini-mesos"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        // Its tests: DevCluster, and the programs that it starts.
        .testTarget(
            name: "OneShotTests",
            dependencies: [
                "OneShot",
                .product(name: "DevCluster", package: "mini-mesos"),
                .product(name: "mini", package: "mini-mesos"),
                .product(name: "mini-supervisor", package: "mini-mesos"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
