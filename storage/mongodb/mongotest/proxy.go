package mongotest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Proxy forwards commands to FerretDB, or to another server.
//   - It lets one command through at a time, since FerretDB reads and writes for one command in two steps, and other
//     commands could come between them.
//   - It makes a topic belong to one ticket, since FerretDB treats a unique index on a list as one on the list as a
//     whole.
//   - It injects faults, which are called trouble here.
type Proxy struct {
	listener net.Listener
	target   string
	oneByOne sync.Mutex // held while a command is carried out

	events *partitions // nil: what there is may have come another way

	mu      sync.Mutex
	trouble func(*Command) *Trouble
	watch   func(moment string)
	conns   map[net.Conn]bool
	away    bool
	stopped chan struct{}
	wg      sync.WaitGroup
}

// Trouble is what happens to a command, in this order.
type Trouble struct {
	Wait   time.Duration // before it is carried out
	Cut    bool          // the connection is cut before it is carried out
	Answer bson.D        // it is not carried out; this is the answer instead
	Lose   bool          // it is carried out, and the connection is cut before the answer
	Delay  time.Duration // it is carried out, and the answer is delayed
}

// NewProxy starts a proxy at addr for the server at target.
func NewProxy(addr, target string) (*Proxy, error) { return newProxy(addr, target, false) }

// newProxy starts a proxy; empty says that its server has no data.
func newProxy(addr, target string, empty bool) (*Proxy, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, conns: map[net.Conn]bool{}, stopped: make(chan struct{})}
	if empty {
		p.events = &partitions{all: map[string]*partitioned{}}
	}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr returns the address at which the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URI returns the address for clients, without a database.
func (p *Proxy) URI() string { return "mongodb://" + p.Addr() + "/" }

// Trouble sets the function that decides the trouble of every command except greetings. f may return nil for no
// trouble. It may be called concurrently.
func (p *Proxy) Trouble(f func(*Command) *Trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = f
}

// Watch sets a function that is called before and after each command is carried out, while no other command is. f may
// be nil.
func (p *Proxy) Watch(f func(moment string)) {
	p.oneByOne.Lock()
	defer p.oneByOne.Unlock()
	p.watch = f
}

// Away cuts all connections and refuses new ones, until it is called with false.
func (p *Proxy) Away(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	if away {
		for c := range p.conns {
			_ = c.Close()
		}
	}
}

// Stop cuts all connections and ends the proxy.
func (p *Proxy) Stop() {
	close(p.stopped)
	_ = p.listener.Close()
	p.Away(true)
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.enter(c) {
			_ = c.Close()
			continue
		}
		p.wg.Go(func() {
			defer p.leave(c)
			server, err := net.Dial("tcp", p.target)
			if err != nil {
				return
			}
			defer func() { _ = server.Close() }()
			for p.command(c, server) == nil {
				continue
			}
		})
	}
}

func (p *Proxy) enter(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.away {
		p.conns[c] = true
	}
	return !p.away
}

func (p *Proxy) leave(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

var errCut = errors.New("cut by the proxy")

// command reads one command from the client and writes the answer.
func (p *Proxy) command(client, server net.Conn) error {
	m, err := readMessage(client)
	if err != nil {
		return err
	}
	c, err := parse(m)
	if err != nil {
		return err
	}
	trouble := p.troubleFor(c)
	if err := p.sleep(trouble.Wait); err != nil {
		return err
	}
	if trouble.Cut {
		return errCut
	}
	var answer message
	if trouble.Answer != nil {
		answer, err = build(m.id(), m.id(), trouble.Answer)
	} else if none := p.none(c); none != nil {
		answer, err = build(m.id(), m.id(), none)
	} else {
		answer, err = p.carryOut(m, c, server)
	}
	if err != nil {
		return err
	}
	if trouble.Lose {
		return errCut
	}
	if err := p.sleep(trouble.Delay); err != nil {
		return err
	}
	_, err = client.Write(answer)
	return err
}

// none answers a command that finds nothing; nil: the server does.
func (p *Proxy) none(c *Command) any {
	if p.events == nil || c == nil {
		return nil
	}
	p.events.note(c)
	return p.events.none(c)
}

func (p *Proxy) troubleFor(c *Command) *Trouble {
	p.mu.Lock()
	f := p.trouble
	p.mu.Unlock()
	if f != nil && c != nil && !slices.Contains([]string{"hello", "isMaster", "ismaster", "endSessions"}, c.Name) {
		if t := f(c); t != nil {
			return t
		}
	}
	return &Trouble{}
}

func (p *Proxy) sleep(d time.Duration) error {
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-p.stopped:
		return errCut
	}
}

// carryOut sends the message to the server and returns its answer. No other command is carried out meanwhile.
func (p *Proxy) carryOut(m message, c *Command, server io.ReadWriter) (message, error) {
	p.oneByOne.Lock()
	defer p.oneByOne.Unlock()
	if c != nil && c.Collection() == "tickets" && (c.Name == "insert" || c.Name == "update") {
		if taken, err := topicTaken(c, server); err != nil || taken {
			if err != nil {
				return nil, err
			}
			return build(m.id(), m.id(), duplicate)
		}
	}
	if p.watch != nil && c != nil && c.Name != "hello" {
		p.watch("before " + c.Name)
		defer p.watch("after " + c.Name)
	}
	answer, err := exchange(m, server)
	// When a value is not unique, FerretDB answers an update with the error of SQLite.
	if err == nil && c != nil && c.Name == "update" && bytes.Contains(answer, []byte("UNIQUE constraint failed")) {
		return build(m.id(), m.id(), duplicate)
	}
	return answer, err
}

func exchange(m message, server io.ReadWriter) (message, error) {
	if _, err := server.Write(m); err != nil {
		return nil, err
	}
	return readMessage(server)
}

// duplicate is MongoDB's answer to a write of a value that is not unique.
var duplicate = bson.D{
	{Key: "n", Value: int32(0)}, {Key: "nModified", Value: int32(0)},
	{Key: "writeErrors", Value: bson.A{bson.D{
		{Key: "index", Value: int32(0)}, {Key: "code", Value: int32(11000)},
		{Key: "errmsg", Value: "E11000 duplicate key error collection: tickets index: topics"},
	}}},
	{Key: "ok", Value: float64(1)},
}

// topicTaken does the work of MongoDB's unique index on index.topics: it says whether another ticket has one of the
// topics of the ticket that c writes.
func topicTaken(c *Command, server io.ReadWriter) (bool, error) {
	for _, d := range c.Documents {
		ticket := d
		if c.Name == "update" {
			// The index matters only if a document matches.
			match, ok := d.Lookup("q").DocumentOK()
			if !ok {
				continue
			}
			if found, err := exists(c, server, match); err != nil || !found {
				return false, err
			}
			if ticket, ok = d.Lookup("u").DocumentOK(); !ok {
				continue
			}
		}
		topics := ticket.Lookup("index", "topics")
		if topics.IsZero() {
			continue
		}
		others := bson.D{
			{Key: "index.topics", Value: bson.D{{Key: "$in", Value: topics}}},
			{Key: "_id", Value: bson.D{{Key: "$ne", Value: ticket.Lookup("_id")}}},
		}
		if found, err := exists(c, server, others); err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// exists asks the server whether a document of the collection of c matches.
func exists(c *Command, server io.ReadWriter, filter any) (bool, error) {
	m, err := build(0, 0, bson.D{
		{Key: "find", Value: c.Collection()}, {Key: "filter", Value: filter}, {Key: "limit", Value: int32(1)},
		{Key: "singleBatch", Value: true}, {Key: "$db", Value: c.Body.Lookup("$db")},
	})
	if err != nil {
		return false, err
	}
	answer, err := exchange(m, server)
	if err != nil {
		return false, err
	}
	reply, err := parse(answer)
	if err != nil {
		return false, err
	}
	batch, ok := reply.Body.Lookup("cursor", "firstBatch").ArrayOK()
	if !ok {
		return false, errors.New("the server did not answer: " + reply.Body.String())
	}
	values, err := batch.Values()
	return len(values) > 0, err
}
