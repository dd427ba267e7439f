// What the framework wants done and what became of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

const (
	jobsPerOffer = 2
	cpus, memory = 0.02, 16.0
)

// errOver ends the event loop when there is nothing left to do.
var errOver = errors.New("over")

// jobs launches every job as a task; one that is lost on its way is launched again under a new id.
type jobs struct {
	count  int
	record string
	caller calls.Caller

	mutex         sync.Mutex
	waiting       []string
	attempts      map[string]int
	running       map[string]string       // task id -> job
	launched      map[string]bool         // tasks whose launch is behind us: only these may be asked about
	finished      map[string]string       // job -> uuid of its TASK_FINISHED
	delivered     map[string]map[int]bool // uuid -> in which subscriptions it arrived
	subscriptions int
	failure       string
}

func newJobs(count int, record string, caller calls.Caller) *jobs {
	jobs := &jobs{
		count: count, record: record, caller: caller,
		attempts: map[string]int{}, running: map[string]string{}, launched: map[string]bool{},
		finished: map[string]string{}, delivered: map[string]map[int]bool{},
	}
	for number := 0; number < count; number++ {
		jobs.waiting = append(jobs.waiting, fmt.Sprintf("job-%d", number))
	}
	return jobs
}

func (jobs *jobs) subscribed(_ context.Context, event *scheduler.Event) error {
	jobs.mutex.Lock()
	defer jobs.mutex.Unlock()
	jobs.subscriptions++
	subscribed := event.GetSubscribed()
	fmt.Printf("framework %s, subscription %d\n", subscribed.GetFrameworkID().GetValue(), jobs.subscriptions)
	return nil
}

func (jobs *jobs) offers(ctx context.Context, event *scheduler.Event) error {
	for _, offer := range event.GetOffers().GetOffers() {
		tasks := jobs.tasks(offer)
		call := calls.Decline(offer.ID)
		if len(tasks) > 0 {
			call = calls.Accept(calls.OfferOperations{calls.OpLaunch(tasks...)}.WithOffers(offer.ID))
		}
		// The short filter lets the rest of the agent come back at once.
		err := calls.CallNoData(ctx, jobs.caller, call.With(calls.RefuseSeconds(500*time.Millisecond)))
		jobs.mutex.Lock()
		for _, task := range tasks {
			jobs.launched[task.TaskID.Value] = true
		}
		jobs.mutex.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// tasks takes as many waiting jobs as the offer has room for.
func (jobs *jobs) tasks(offer mesos.Offer) (tasks []mesos.TaskInfo) {
	jobs.mutex.Lock()
	defer jobs.mutex.Unlock()
	amount := map[string]float64{}
	for _, resource := range offer.Resources {
		amount[resource.GetName()] += resource.GetScalar().GetValue()
	}
	for len(jobs.waiting) > 0 && len(tasks) < jobsPerOffer && amount["cpus"] >= cpus && amount["mem"] >= memory {
		amount["cpus"] -= cpus
		amount["mem"] -= memory
		tasks = append(tasks, jobs.task(jobs.waiting[0], offer))
		jobs.waiting = jobs.waiting[1:]
	}
	return tasks
}

func (jobs *jobs) task(job string, offer mesos.Offer) mesos.TaskInfo {
	jobs.attempts[job]++
	id := fmt.Sprintf("%s.%d", job, jobs.attempts[job])
	jobs.running[id] = job
	var number int
	fmt.Sscanf(job, "job-%d", &number)
	command := fmt.Sprintf("sleep %.1f && echo %s >>%s", 0.3+float64(number%7)*0.2, job, jobs.record)
	task := mesos.TaskInfo{
		Name: job, TaskID: mesos.TaskID{Value: id}, AgentID: offer.AgentID,
		Command: &mesos.CommandInfo{Value: &command},
	}
	for _, resource := range []*resources.Builder{resources.NewCPUs(cpus), resources.NewMemory(memory)} {
		task.Resources = append(task.Resources, resource.Resource)
	}
	return task
}

// update counts what the library has acknowledged already.
func (jobs *jobs) update(_ context.Context, event *scheduler.Event) error {
	jobs.mutex.Lock()
	defer jobs.mutex.Unlock()
	status := event.GetUpdate().GetStatus()
	id, state, uuid := status.TaskID.Value, status.GetState(), string(status.GetUUID())
	if uuid != "" {
		if jobs.delivered[uuid] == nil {
			jobs.delivered[uuid] = map[int]bool{}
		}
		if jobs.delivered[uuid][jobs.subscriptions] {
			return jobs.fail(fmt.Sprintf("%s: %v arrived twice from one leader", id, state))
		}
		jobs.delivered[uuid][jobs.subscriptions] = true
	}
	switch state {
	case mesos.TASK_FINISHED:
		if uuid != "" {
			return jobs.finish(id, uuid)
		}
	case mesos.TASK_LOST, mesos.TASK_DROPPED, mesos.TASK_UNKNOWN, mesos.TASK_GONE:
		if job, known := jobs.running[id]; known {
			fmt.Printf("lost %s: %s\n", id, status.GetMessage())
			delete(jobs.running, id)
			jobs.waiting = append(jobs.waiting, job)
		}
	case mesos.TASK_FAILED, mesos.TASK_ERROR, mesos.TASK_KILLED:
		return jobs.fail(fmt.Sprintf("%s: %v %v %s", id, state, status.GetReason(), status.GetMessage()))
	}
	return nil
}

func (jobs *jobs) finish(id, uuid string) error {
	job := strings.Split(id, ".")[0]
	delete(jobs.running, id)
	if earlier, known := jobs.finished[job]; known && earlier != uuid {
		return jobs.fail(fmt.Sprintf("%s finished a second time, as %s", job, id))
	} else if known {
		return nil
	}
	jobs.finished[job] = uuid
	fmt.Printf("finished %d of %d: %s\n", len(jobs.finished), jobs.count, id)
	if len(jobs.finished) == jobs.count {
		return errOver
	}
	return nil
}

func (jobs *jobs) fail(failure string) error {
	jobs.failure = failure
	return errOver
}

func (jobs *jobs) isOver() bool {
	jobs.mutex.Lock()
	defer jobs.mutex.Unlock()
	return jobs.failure != "" || len(jobs.finished) == jobs.count
}

// reconcileEvery asks, after a change of leader, what became of the tasks that have not ended.
func (jobs *jobs) reconcileEvery(ctx context.Context, period time.Duration) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		open := map[string]string{}
		jobs.mutex.Lock()
		for id := range jobs.running {
			if jobs.launched[id] {
				open[id] = ""
			}
		}
		changed := jobs.subscriptions > 1
		jobs.mutex.Unlock()
		if changed && len(open) > 0 {
			if err := calls.CallNoData(ctx, jobs.caller, calls.Reconcile(calls.ReconcileTasks(open))); err != nil {
				fmt.Println("cannot reconcile just now:", err)
			}
		}
	}
}

// summary prints the numbers and says what is wrong with them, if anything.
func (jobs *jobs) summary() string {
	jobs.mutex.Lock()
	defer jobs.mutex.Unlock()
	repeated, launches := 0, 0
	for _, subscriptions := range jobs.delivered {
		if len(subscriptions) > 1 {
			repeated++
		}
	}
	for _, attempts := range jobs.attempts {
		launches += attempts
	}
	fmt.Printf("%d subscriptions, %d updates repeated, %d launches\n", jobs.subscriptions, repeated, launches)
	if jobs.failure == "" && len(jobs.finished) < jobs.count {
		return fmt.Sprintf("only %d of %d jobs finished in time", len(jobs.finished), jobs.count)
	}
	return jobs.failure
}
