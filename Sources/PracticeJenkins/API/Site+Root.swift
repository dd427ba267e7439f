/// The controller's own pages: what it is, who asks, crumbs, labels.
extension Site {
    mutating func rootPage(_ exchange: Exchange) -> Answer {
        let segments = exchange.segments
        if segments.count == 2, segments[0] == "api" {
            return exchange.render(rootBean(exchange), flavour: segments[1])
        }
        if segments.count == 3, segments[1] == "api" {
            switch segments[0] {
            case "crumbIssuer": return crumb(exchange, flavour: segments[2])
            case "whoAmI": return exchange.render(whoAmI(exchange), flavour: segments[2])
            case "me":
                guard case .user(let user, _) = exchange.principal else { return .notFound }
                return exchange.render(userBean(user.name, exchange), flavour: segments[2])
            case "overallLoad", "unlabeledLoad":
                return exchange.render(Bean("hudson.model.OverallLoadStatistics"), flavour: segments[2])
            default: return .notFound
            }
        }
        if segments.count == 4, segments[0] == "user", segments[2] == "api", access.hasUser(segments[1]) {
            return exchange.render(userBean(segments[1], exchange), flavour: segments[3])
        }
        return .notFound
    }

    private func rootBean(_ exchange: Exchange) -> Bean {
        let beans = jobBeans(exchange)
        // Sorted only if somebody asks for them: there may be thousands.
        let (controller, canRead) = (controller, access.allows(exchange.principal, .jobRead))
        let jobs = { canRead ? controller.sortedJobs.map(beans.job) : [] }
        var bean = Bean("hudson.model.Hudson")
        bean.add("assignedLabels", .array([.members(["name": .string("built-in")])]))
        bean.add("mode", .string("NORMAL"))
        bean.add("nodeDescription", .string("the Jenkins controller's built-in node"))
        bean.add("nodeName", .string(""))
        bean.add("numExecutors", .integer(0))
        bean.add("description", .null)
        bean.addBeans("jobs", jobs())
        bean.addBean("primaryView", view(exchange, jobs))
        bean.add("quietDownReason", .null)
        bean.add("quietingDown", .bool(controller.isQuietingDown))
        bean.add("slaveAgentPort", .integer(-1))
        bean.add("url", .string(exchange.root))
        bean.add("useCrumbs", .bool(true))
        bean.add("useSecurity", .bool(true))
        bean.addBeans("views", [view(exchange, jobs)])
        return bean
    }

    private func view(_ exchange: Exchange, _ jobs: @escaping () -> [Bean]) -> Bean {
        var bean = Bean("hudson.model.AllView")
        bean.add("name", visibility: 2, .string("all"))
        bean.add("url", visibility: 2, .string(exchange.root))
        bean.addBeans("jobs", jobs())
        return bean
    }

    private mutating func crumb(_ exchange: Exchange, flavour: String) -> Answer {
        var bean = Bean("hudson.security.csrf.DefaultCrumbIssuer")
        var headers: [Answer.Header] = []
        var session = exchange.session ?? ""
        if !access.usesLegacyCrumb, !access.isOpen(session: session) {
            session = access.openSession()
            headers.append(.init(name: "Set-Cookie", value: "JSESSIONID.0=\(session); Path=/; HttpOnly"))
        }
        let (value, field) = (access.crumb(for: exchange.principal, session: session), access.crumbField)
        bean.add("crumb", .string(value))
        bean.add("crumbRequestField", .string(field))
        var answer = exchange.render(bean, flavour: flavour)
        answer.headers += headers
        return answer
    }

    private func whoAmI(_ exchange: Exchange) -> Bean {
        let isAnonymous = exchange.principal == .anonymous
        var bean = Bean("hudson.security.WhoAmI")
        bean.add("anonymous", .bool(isAnonymous))
        bean.add("authenticated", .bool(true))
        bean.add("authorities", .array(isAnonymous ? [.string("anonymous")] : [.string("authenticated")]))
        bean.add("name", .string(exchange.principal.name))
        return bean
    }

    private func userBean(_ name: String, _ exchange: Exchange) -> Bean {
        var bean = Bean("hudson.model.User")
        bean.add("absoluteUrl", .string("\(exchange.root)user/\(FormFields.encode(name))"))
        bean.add("description", .null)
        bean.add("fullName", .string(name))
        bean.add("id", .string(name))
        bean.add("property", .array([]))
        return bean
    }

    func labelPage(_ exchange: Exchange) -> Answer {
        let segments = exchange.segments
        guard segments.count >= 2, let expression = LabelExpression.parse(segments[1]) else { return .notFound }
        if segments.count == 2 { return .page(expression.canonical) }
        guard segments.count == 4, segments[2] == "api" else { return .notFound }
        return exchange.render(nodeBeans(exchange).label(expression), flavour: segments[3])
    }
}
