// An executor on the mesos-go library: runs each task until a file appears.
//
// Arguments: the file that ends tasks, a file to which every start and every task's end is appended. Speaks protobuf.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/backoff"
	"github.com/mesos/mesos-go/api/v1/lib/encoding"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/executor/calls"
	"github.com/mesos/mesos-go/api/v1/lib/executor/config"
	"github.com/mesos/mesos-go/api/v1/lib/executor/events"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpexec"
)

var errShutdown = errors.New("told to end")

// What the library leaves to its user: what was not acknowledged is said again with the next subscription.
type state struct {
	sync.Mutex
	gate, record string
	caller       calls.Sender
	tasks        map[string]mesos.TaskInfo
	updates      map[string]executor.Call_Update
	order        []string
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mesos-go-executor GATE RECORD")
		os.Exit(2)
	}
	environment, err := config.FromEnv()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	address := url.URL{Scheme: "http", Host: environment.AgentEndpoint, Path: "/api/v1/executor"}
	client := httpcli.New(
		httpcli.Endpoint(address.String()), httpcli.Codec(codecs.ByMediaType[codecs.MediaTypeProtobuf]))
	options := executor.CallOptions{calls.Framework(environment.FrameworkID), calls.Executor(environment.ExecutorID)}
	runner := &state{
		gate: os.Args[1], record: os.Args[2],
		tasks: map[string]mesos.TaskInfo{}, updates: map[string]executor.Call_Update{},
		caller: calls.SenderWith(httpexec.NewSender(client.Send), options...),
	}
	runner.note("started")
	subscriber := calls.SenderWith(
		httpexec.NewSender(client.Send, httpcli.Close(true)), options...)
	retry := backoff.Notifier(50*time.Millisecond, environment.SubscriptionBackoffMax*3/4, nil)
	disconnected := time.Now()
	for {
		err := runner.subscribe(subscriber)
		if err == errShutdown {
			runner.note("shutdown")
			return
		}
		fmt.Fprintln(os.Stderr, "disconnected:", err)
		if !environment.Checkpoint || time.Since(disconnected) > environment.RecoveryTimeout {
			return
		}
		<-retry
	}
}

func (s *state) subscribe(subscriber calls.Sender) error {
	response, err := subscriber.Send(
		context.Background(), calls.NonStreaming(calls.Subscribe(s.unacknowledged())))
	if response != nil {
		defer response.Close()
	}
	if err != nil {
		return err
	}
	handler := events.HandlerFuncs{
		executor.Event_SUBSCRIBED: func(_ context.Context, event *executor.Event) error {
			s.note("registered " + event.Subscribed.ExecutorInfo.ExecutorID.Value)
			return nil
		},
		executor.Event_LAUNCH: func(_ context.Context, event *executor.Event) error {
			s.Lock()
			s.tasks[event.Launch.Task.TaskID.Value] = event.Launch.Task
			s.Unlock()
			go s.work(event.Launch.Task)
			return nil
		},
		executor.Event_ACKNOWLEDGED: func(_ context.Context, event *executor.Event) error {
			s.Lock()
			delete(s.tasks, event.Acknowledged.TaskID.Value)
			delete(s.updates, string(event.Acknowledged.UUID))
			s.Unlock()
			return nil
		},
		executor.Event_MESSAGE: func(ctx context.Context, event *executor.Event) error {
			return calls.SendNoData(
				ctx, s.caller, calls.NonStreaming(calls.Message(append([]byte("heard "), event.Message.Data...))))
		},
		executor.Event_SHUTDOWN: func(context.Context, *executor.Event) error { return errShutdown },
	}
	for {
		var event executor.Event
		decoder := encoding.Decoder(response)
		if err := decoder.Decode(&event); err != nil {
			if err == io.EOF {
				return errors.New("the stream ended")
			}
			return err
		}
		if err := handler.HandleEvent(context.Background(), &event); err != nil {
			return err
		}
	}
}

func (s *state) unacknowledged() (tasks []mesos.TaskInfo, updates []executor.Call_Update) {
	s.Lock()
	defer s.Unlock()
	for _, task := range s.tasks {
		tasks = append(tasks, task)
	}
	for _, id := range s.order {
		if update, isOwed := s.updates[id]; isOwed {
			updates = append(updates, update)
		}
	}
	return
}

func (s *state) work(task mesos.TaskInfo) {
	s.say(task, mesos.TASK_RUNNING)
	for {
		if _, err := os.Stat(s.gate); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.note("done " + task.TaskID.Value)
	s.say(task, mesos.TASK_FINISHED)
}

// An update that cannot be said now goes out with the next subscription.
func (s *state) say(task mesos.TaskInfo, taskState mesos.TaskState) {
	id := newID()
	source, message, now := mesos.SOURCE_EXECUTOR, string(task.Data), float64(time.Now().UnixNano())/1e9
	status := mesos.TaskStatus{
		TaskID: task.TaskID, State: &taskState, Source: &source, Message: &message, Timestamp: &now, UUID: id,
	}
	update := calls.Update(status)
	s.Lock()
	s.updates[string(id)] = *update.Update
	s.order = append(s.order, string(id))
	s.Unlock()
	if err := calls.SendNoData(context.Background(), s.caller, calls.NonStreaming(update)); err != nil {
		fmt.Fprintln(os.Stderr, taskState, "of", task.TaskID.Value, "waits:", err)
	}
}

func (s *state) note(line string) {
	file, err := os.OpenFile(s.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer file.Close()
	fmt.Fprintln(file, line)
}

func newID() []byte {
	id := make([]byte, 16)
	random, err := os.Open("/dev/urandom")
	if err == nil {
		defer random.Close()
		_, err = io.ReadFull(random, id)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return id
}
