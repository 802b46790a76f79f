// Shows what every symbol goes through, a line of JSON for each step: watch.py once more, with NATS's own client for Go.
//
// Built with Debian's packages by test/interop/try_go.sh; it is no part of the gate.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"mime"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/vmihailenco/msgpack/v5"
)

const stream = "PURGE_TRANSITIONS"

// transition is what of a step is shown. Fields that are not named here are ignored, as they are to be.
type transition struct {
	LedgerID string   `json:"ledger_id" msgpack:"ledger_id"`
	Seq      uint64   `json:"seq" msgpack:"seq"`
	At       string   `json:"at" msgpack:"at"`
	Symbol   string   `json:"symbol" msgpack:"symbol"`
	Event    event    `json:"event" msgpack:"event"`
	Path     []string `json:"path" msgpack:"path"`
	State    string   `json:"state" msgpack:"state"`
}

type event struct {
	Type string `json:"type" msgpack:"type"`
}

type shown struct {
	LedgerID string   `json:"ledger_id"`
	Seq      uint64   `json:"seq"`
	At       string   `json:"at"`
	Symbol   string   `json:"symbol"`
	Event    string   `json:"event"`
	Path     []string `json:"path"`
	State    string   `json:"state"`
	Sequence uint64   `json:"sequence"`
}

func main() {
	url := flag.String("nats", nats.DefaultURL, "the server")
	flag.Parse()
	if err := watch(*url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func watch(url string) error {
	// Without an end to the attempts: two minutes is all that the client gives a server that is away.
	connection, err := nats.Connect(url, nats.Name("watch.go"), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	defer connection.Close()
	jetstream, err := connection.JetStream()
	if err != nil {
		return err
	}
	// An ordered consumer is made anew, where it stood, after a gap or an outage.
	_, err = jetstream.Subscribe(
		"purge.v1.transitions.*", show, nats.OrderedConsumer(), nats.DeliverAll(), nats.BindStream(stream))
	if err != nil {
		return fmt.Errorf("%s: %w", stream, err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	return nil
}

func show(message *nats.Msg) {
	step, err := read(message)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s cannot be read: %v\n", message.Subject, err)
		return
	}
	place, err := message.Metadata()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	line := shown{step.LedgerID, step.Seq, step.At, step.Symbol, step.Event.Type, step.Path, step.State, place.Sequence.Stream}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// read takes a body in either format. Headers are looked up as our senders spell them: the client's lookup is exact.
func read(message *nats.Msg) (transition, error) {
	step := transition{Path: []string{}}
	if version := message.Header.Get("Schema-Version"); version != "1" {
		return step, fmt.Errorf("Schema-Version is %q; expected 1", version)
	}
	kind, _, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return step, fmt.Errorf("Content-Type: %w", err)
	}
	switch kind {
	case "application/json":
		err = json.Unmarshal(message.Data, &step)
	case "application/msgpack", "application/x-msgpack", "application/vnd.msgpack":
		err = msgpack.Unmarshal(message.Data, &step)
	default:
		err = fmt.Errorf("Content-Type is %q", kind)
	}
	return step, err
}
