// Reads a call from a request's body, with the refusals of Apache Mesos in its order.
import HTTPServer
import MesosProtocol
import SwiftProtobuf

package enum CallBody<Call: Message> {
    case call(Call)
    case refused(HTTPResponse)

    package init(_ request: HTTPRequest) {
        guard let contentType = request.header("Content-Type") else {
            self = .refused(.text(400, "Expecting 'Content-Type' to be present"))
            return
        }
        guard let media = MediaType(contentType: contentType) else {
            self = .refused(
                .text(415, "Expecting 'Content-Type' of application/json or application/x-protobuf"))
            return
        }
        do throws(MessageDecodingError) {
            self = .call(try media.decode(from: request.body))
        } catch {
            self = .refused(.text(400, "\(error)"))
        }
    }
}
