// What can be wrong with a list of resource messages.

import Resources

/// Why resources from outside are refused. The description is the reason as it appears in task statuses and answers.
public enum ResourceConversionError: Error, Hashable, Sendable, CustomStringConvertible {
    case emptyName
    /// The value field does not go with `type`, or is missing.
    case invalidValue(name: String, kind: Kind)
    /// Zero and less, after rounding to three decimals; an exact zero is no error.
    case notPositive(name: String)
    case notFinite(name: String)
    /// More than `Scalar.valueMax`, in one resource or in their sum.
    case tooLarge(name: String)
    case fractionOfGPU
    case invertedRange(name: String)
    case overlappingRanges(name: String)
    case duplicatedElements(name: String)
    /// TEXT is for attributes only.
    case unsupportedType(name: String)
    case diskInfoOnOther(name: String)
    case anyRoleReserved(name: String)
    case invalidRole(name: String, RoleNameError)
    /// A reservation of the stack without role or type.
    case incompleteReservation(name: String)
    case refinementNotDeeper(name: String, role: String, parent: String)
    case staticRefinement(name: String, role: String)
    /// `type` or `role` inside the older `reservation` field.
    case fieldInOldReservation(field: String)
    /// The older and the newer form contradict each other.
    case roleMismatch(old: String, new: String)
    case reservationMismatch(name: String)

    public enum Kind: String, Hashable, Sendable {
        case scalar, ranges, set
    }

    public var description: String {
        switch self {
        case .emptyName: "Empty resource name"
        case .invalidValue(_, let kind): "Invalid \(kind.rawValue) resource"
        case .notPositive: "Invalid scalar resource: value <= 0"
        case .notFinite(let name): "Invalid scalar resource: '\(name)' is not a finite number"
        case .tooLarge(let name): "Invalid scalar resource: '\(name)' is more than \(Int64(Scalar.valueMax))"
        case .fractionOfGPU: "Invalid scalar resource: 'gpus' must be a whole number"
        case .invertedRange: "Invalid ranges resource: begin is greater than end"
        case .overlappingRanges: "Invalid ranges resource: overlapping ranges"
        case .duplicatedElements: "Invalid set resource: duplicated elements"
        case .unsupportedType: "Unsupported resource type"
        case .diskInfoOnOther(let name): "DiskInfo should not be set for \(name) resource"
        case .anyRoleReserved: "Invalid reservation: role \"*\" cannot be reserved"
        case .invalidRole(let name, let error): "Invalid reservation of '\(name)': \(error)"
        case .incompleteReservation(let name): "Invalid reservation of '\(name)': both 'type' and 'role' must be set"
        case .refinementNotDeeper(_, let role, let parent):
            "Invalid refined reservation: role '\(role)' is not below '\(parent)'"
        case .staticRefinement(_, let role): "Invalid refined reservation: role '\(role)' must be reserved dynamically"
        case .fieldInOldReservation(let field):
            "'Resource.ReservationInfo.\(field)' must not be set for the 'Resource.reservation' field"
        case .roleMismatch(let old, let new):
            "Invalid resource format: 'Resource.role' field with '\(old)' does not match the role '\(new)' in "
                + "'Resource.reservations'"
        case .reservationMismatch:
            "Invalid resource format: 'Resource.reservation' does not match the reservation in 'Resource.reservations'"
        }
    }
}
