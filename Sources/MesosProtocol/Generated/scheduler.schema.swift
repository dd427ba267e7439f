// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/scheduler.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let schedulerTable = #"""
        message mesos.v1.scheduler.Call
        1 framework_id optional message:mesos.v1.FrameworkID
        2 type optional enum:mesos.v1.scheduler.Call.Type
        3 subscribe optional message:mesos.v1.scheduler.Call.Subscribe
        4 accept optional message:mesos.v1.scheduler.Call.Accept
        5 decline optional message:mesos.v1.scheduler.Call.Decline
        13 accept_inverse_offers optional message:mesos.v1.scheduler.Call.AcceptInverseOffers
        14 decline_inverse_offers optional message:mesos.v1.scheduler.Call.DeclineInverseOffers
        15 revive optional message:mesos.v1.scheduler.Call.Revive
        6 kill optional message:mesos.v1.scheduler.Call.Kill
        7 shutdown optional message:mesos.v1.scheduler.Call.Shutdown
        8 acknowledge optional message:mesos.v1.scheduler.Call.Acknowledge
        17 acknowledge_operation_status optional message:mesos.v1.scheduler.Call.AcknowledgeOperationStatus
        9 reconcile optional message:mesos.v1.scheduler.Call.Reconcile
        18 reconcile_operations optional message:mesos.v1.scheduler.Call.ReconcileOperations
        10 message optional message:mesos.v1.scheduler.Call.Message
        11 request optional message:mesos.v1.scheduler.Call.Request
        16 suppress optional message:mesos.v1.scheduler.Call.Suppress
        19 update_framework optional message:mesos.v1.scheduler.Call.UpdateFramework
        message mesos.v1.scheduler.Call.Subscribe
        1 framework_info required message:mesos.v1.FrameworkInfo
        2 suppressed_roles repeated string
        3 offer_constraints optional message:mesos.v1.scheduler.OfferConstraints
        message mesos.v1.scheduler.Call.Accept
        1 offer_ids repeated message:mesos.v1.OfferID
        2 operations repeated message:mesos.v1.Offer.Operation
        3 filters optional message:mesos.v1.Filters
        message mesos.v1.scheduler.Call.Decline
        1 offer_ids repeated message:mesos.v1.OfferID
        2 filters optional message:mesos.v1.Filters
        message mesos.v1.scheduler.Call.AcceptInverseOffers
        1 inverse_offer_ids repeated message:mesos.v1.OfferID
        2 filters optional message:mesos.v1.Filters
        message mesos.v1.scheduler.Call.DeclineInverseOffers
        1 inverse_offer_ids repeated message:mesos.v1.OfferID
        2 filters optional message:mesos.v1.Filters
        message mesos.v1.scheduler.Call.Revive
        1 roles repeated string
        message mesos.v1.scheduler.Call.Kill
        1 task_id required message:mesos.v1.TaskID
        2 agent_id optional message:mesos.v1.AgentID
        3 kill_policy optional message:mesos.v1.KillPolicy
        message mesos.v1.scheduler.Call.Shutdown
        1 executor_id required message:mesos.v1.ExecutorID
        2 agent_id required message:mesos.v1.AgentID
        message mesos.v1.scheduler.Call.Acknowledge
        1 agent_id required message:mesos.v1.AgentID
        2 task_id required message:mesos.v1.TaskID
        3 uuid required bytes
        message mesos.v1.scheduler.Call.AcknowledgeOperationStatus
        1 agent_id optional message:mesos.v1.AgentID
        2 resource_provider_id optional message:mesos.v1.ResourceProviderID
        3 uuid required bytes
        4 operation_id required message:mesos.v1.OperationID
        message mesos.v1.scheduler.Call.Reconcile
        1 tasks repeated message:mesos.v1.scheduler.Call.Reconcile.Task
        message mesos.v1.scheduler.Call.Reconcile.Task
        1 task_id required message:mesos.v1.TaskID
        2 agent_id optional message:mesos.v1.AgentID
        message mesos.v1.scheduler.Call.ReconcileOperations
        1 operations repeated message:mesos.v1.scheduler.Call.ReconcileOperations.Operation
        message mesos.v1.scheduler.Call.ReconcileOperations.Operation
        1 operation_id required message:mesos.v1.OperationID
        2 agent_id optional message:mesos.v1.AgentID
        3 resource_provider_id optional message:mesos.v1.ResourceProviderID
        message mesos.v1.scheduler.Call.Message
        1 agent_id required message:mesos.v1.AgentID
        2 executor_id required message:mesos.v1.ExecutorID
        3 data required bytes
        message mesos.v1.scheduler.Call.Request
        1 requests repeated message:mesos.v1.Request
        message mesos.v1.scheduler.Call.Suppress
        1 roles repeated string
        message mesos.v1.scheduler.Call.UpdateFramework
        1 framework_info required message:mesos.v1.FrameworkInfo
        2 suppressed_roles repeated string
        3 offer_constraints optional message:mesos.v1.scheduler.OfferConstraints
        enum mesos.v1.scheduler.Call.Type
        0 UNKNOWN
        1 SUBSCRIBE
        2 TEARDOWN
        3 ACCEPT
        4 DECLINE
        13 ACCEPT_INVERSE_OFFERS
        14 DECLINE_INVERSE_OFFERS
        5 REVIVE
        6 KILL
        7 SHUTDOWN
        8 ACKNOWLEDGE
        15 ACKNOWLEDGE_OPERATION_STATUS
        9 RECONCILE
        16 RECONCILE_OPERATIONS
        10 MESSAGE
        11 REQUEST
        12 SUPPRESS
        17 UPDATE_FRAMEWORK
        message mesos.v1.scheduler.Event
        1 type optional enum:mesos.v1.scheduler.Event.Type
        2 subscribed optional message:mesos.v1.scheduler.Event.Subscribed
        3 offers optional message:mesos.v1.scheduler.Event.Offers
        9 inverse_offers optional message:mesos.v1.scheduler.Event.InverseOffers
        4 rescind optional message:mesos.v1.scheduler.Event.Rescind
        10 rescind_inverse_offer optional message:mesos.v1.scheduler.Event.RescindInverseOffer
        5 update optional message:mesos.v1.scheduler.Event.Update
        11 update_operation_status optional message:mesos.v1.scheduler.Event.UpdateOperationStatus
        6 message optional message:mesos.v1.scheduler.Event.Message
        7 failure optional message:mesos.v1.scheduler.Event.Failure
        8 error optional message:mesos.v1.scheduler.Event.Error
        message mesos.v1.scheduler.Event.Subscribed
        1 framework_id required message:mesos.v1.FrameworkID
        2 heartbeat_interval_seconds optional double
        3 master_info optional message:mesos.v1.MasterInfo
        message mesos.v1.scheduler.Event.Offers
        1 offers repeated message:mesos.v1.Offer
        message mesos.v1.scheduler.Event.InverseOffers
        1 inverse_offers repeated message:mesos.v1.InverseOffer
        message mesos.v1.scheduler.Event.Rescind
        1 offer_id required message:mesos.v1.OfferID
        message mesos.v1.scheduler.Event.RescindInverseOffer
        1 inverse_offer_id required message:mesos.v1.OfferID
        message mesos.v1.scheduler.Event.Update
        1 status required message:mesos.v1.TaskStatus
        message mesos.v1.scheduler.Event.UpdateOperationStatus
        1 status required message:mesos.v1.OperationStatus
        message mesos.v1.scheduler.Event.Message
        1 agent_id required message:mesos.v1.AgentID
        2 executor_id required message:mesos.v1.ExecutorID
        3 data required bytes
        message mesos.v1.scheduler.Event.Failure
        1 agent_id optional message:mesos.v1.AgentID
        2 executor_id optional message:mesos.v1.ExecutorID
        3 status optional int32
        message mesos.v1.scheduler.Event.Error
        1 message required string
        enum mesos.v1.scheduler.Event.Type
        0 UNKNOWN
        1 SUBSCRIBED
        2 OFFERS
        9 INVERSE_OFFERS
        3 RESCIND
        10 RESCIND_INVERSE_OFFER
        4 UPDATE
        11 UPDATE_OPERATION_STATUS
        5 MESSAGE
        6 FAILURE
        7 ERROR
        8 HEARTBEAT
        message mesos.v1.scheduler.Response
        1 type optional enum:mesos.v1.scheduler.Response.Type
        2 reconcile_operations optional message:mesos.v1.scheduler.Response.ReconcileOperations
        message mesos.v1.scheduler.Response.ReconcileOperations
        1 operation_statuses repeated message:mesos.v1.OperationStatus
        enum mesos.v1.scheduler.Response.Type
        0 UNKNOWN
        1 RECONCILE_OPERATIONS
        message mesos.v1.scheduler.AttributeConstraint
        1 selector required message:mesos.v1.scheduler.AttributeConstraint.Selector
        2 predicate required message:mesos.v1.scheduler.AttributeConstraint.Predicate
        message mesos.v1.scheduler.AttributeConstraint.Selector
        1 pseudoattribute_type optional enum:mesos.v1.scheduler.AttributeConstraint.Selector.PseudoattributeType
        2 attribute_name optional string
        enum mesos.v1.scheduler.AttributeConstraint.Selector.PseudoattributeType
        0 UNKNOWN
        1 HOSTNAME
        2 REGION
        3 ZONE
        message mesos.v1.scheduler.AttributeConstraint.Predicate
        1 exists optional message:mesos.v1.scheduler.AttributeConstraint.Predicate.Exists
        2 not_exists optional message:mesos.v1.scheduler.AttributeConstraint.Predicate.NotExists
        3 text_equals optional message:mesos.v1.scheduler.AttributeConstraint.Predicate.TextEquals
        4 text_not_equals optional message:mesos.v1.scheduler.AttributeConstraint.Predicate.TextNotEquals
        5 text_matches optional message:mesos.v1.scheduler.AttributeConstraint.Predicate.TextMatches
        6 text_not_matches optional message:mesos.v1.scheduler.AttributeConstraint.Predicate.TextNotMatches
        message mesos.v1.scheduler.AttributeConstraint.Predicate.Exists
        message mesos.v1.scheduler.AttributeConstraint.Predicate.NotExists
        message mesos.v1.scheduler.AttributeConstraint.Predicate.TextEquals
        1 value required string
        message mesos.v1.scheduler.AttributeConstraint.Predicate.TextNotEquals
        1 value required string
        message mesos.v1.scheduler.AttributeConstraint.Predicate.TextMatches
        1 regex required string
        message mesos.v1.scheduler.AttributeConstraint.Predicate.TextNotMatches
        1 regex required string
        message mesos.v1.scheduler.OfferConstraints
        1 role_constraints map message:mesos.v1.scheduler.OfferConstraints.RoleConstraints
        message mesos.v1.scheduler.OfferConstraints.RoleConstraints
        1 groups repeated message:mesos.v1.scheduler.OfferConstraints.RoleConstraints.Group
        message mesos.v1.scheduler.OfferConstraints.RoleConstraints.Group
        1 attribute_constraints repeated message:mesos.v1.scheduler.AttributeConstraint
        message mesos.v1.scheduler.APIResult
        1 status_code required uint32
        2 response optional message:mesos.v1.scheduler.Response
        3 error optional string
        """#
}
