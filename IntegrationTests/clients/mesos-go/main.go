// A framework on the mesos-go library: runs shell commands through a change of leader, each exactly once.
//
// Arguments: the masters as host:port,..., the number of jobs, a file to which every job's command appends its name.
// Speaks protobuf both ways. Prints one line for each finished job, so that a test can act in the middle, and leaves
// with 0 if all is well.
package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/backoff"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/callrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/eventrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/store"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/events"
)

const (
	deadline        = 80 * time.Second
	reconcileEvery  = 2 * time.Second
	failoverTimeout = 60 * time.Second
)

func main() {
	if len(os.Args) != 4 {
		exit("usage: mesos-go-client HOST:PORT,... JOBS FILE")
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		exit("not a number of jobs: " + os.Args[2])
	}
	masters := strings.Split(os.Args[1], ",")
	client := httpcli.New(
		httpcli.Endpoint(endpoint(masters, 0)), httpcli.Codec(codecs.ByMediaType[codecs.MediaTypeProtobuf]))
	frameworkID := store.NewInMemorySingleton()
	// A call that fails because its leader died ends the event loop before the library has seen the stream end.
	caller := callrules.WithFrameworkID(store.GetIgnoreErrors(frameworkID)).Caller(
		httpsched.NewCaller(client, httpsched.AllowReconnection(true)))

	jobs := newJobs(count, os.Args[3], caller)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	go jobs.reconcileEvery(ctx, reconcileEvery)
	attempt := 0
	controller.Run(
		ctx, frameworkInfo(), caller,
		controller.WithFrameworkID(store.GetIgnoreErrors(frameworkID)),
		controller.WithRegistrationTokens(backoff.Notifier(100*time.Millisecond, time.Second, ctx.Done())),
		controller.WithSubscriptionTerminated(func(err error) {
			if jobs.isOver() {
				cancel()
				return
			}
			// The library follows redirects of masters that answer; to leave one that does not is up to us.
			attempt++
			fmt.Println("disconnected:", err)
			client.With(httpcli.Endpoint(endpoint(masters, attempt)))
		}),
		controller.WithEventHandler(eventrules.New(
			controller.LiftErrors(),
			controller.TrackSubscription(frameworkID, failoverTimeout),
			controller.AckStatusUpdates(caller),
		).Handle(events.HandlerFuncs{
			scheduler.Event_SUBSCRIBED: jobs.subscribed,
			scheduler.Event_OFFERS:     jobs.offers,
			scheduler.Event_UPDATE: func(ctx context.Context, event *scheduler.Event) error {
				err := jobs.update(ctx, event)
				if err == errOver {
					teardown(ctx, caller) // While the stream is open: without it the framework counts as not subscribed.
				}
				return err
			},
		})))
	if failure := jobs.summary(); failure != "" {
		exit(failure)
	}
	fmt.Println("mesos-go: done")
}

func endpoint(masters []string, attempt int) string {
	return "http://" + masters[attempt%len(masters)] + "/api/v1/scheduler"
}

func frameworkInfo() *mesos.FrameworkInfo {
	name := "root"
	if current, err := user.Current(); err == nil {
		name = current.Username
	}
	timeout, checkpoint := failoverTimeout.Seconds(), true
	return &mesos.FrameworkInfo{
		User: name, Name: "mesos-go jobs", FailoverTimeout: &timeout, Checkpoint: &checkpoint,
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
		},
		Roles: []string{"mesos-go"},
	}
}

func teardown(ctx context.Context, caller calls.Caller) {
	if err := calls.CallNoData(ctx, caller, &scheduler.Call{Type: scheduler.Call_TEARDOWN}); err != nil {
		exit("TEARDOWN: " + err.Error())
	}
}

func exit(failure string) {
	fmt.Println("failed:", failure)
	os.Exit(1)
}
