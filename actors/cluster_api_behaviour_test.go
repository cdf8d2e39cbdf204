//go:build !race

package actors_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// api is the API of one node.
type api struct {
	t    testing.TB
	url  string
	key  string
	stop func()
}

// serves serves the API of a node.
func (d *desk) serves(p *process, key string) *api {
	d.t.Helper()
	log := slog.New(slog.DiscardHandler)
	server := httpedge.New(httpedge.Options{Log: log, Nodes: p.system.Nodes})
	httpedge.NewAPI(server, httpedge.APIOptions{Desk: p.system, Files: p.system, Log: log})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	d.must(err)
	d.must(server.Start(ln))
	var once sync.Once
	a := &api{t: d.t, url: "http://" + ln.Addr().String(), key: key, stop: func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			http.DefaultClient.CloseIdleConnections()
			if err := server.Shutdown(ctx); err != nil {
				d.t.Error(err)
			}
		})
	}}
	d.t.Cleanup(a.stop)
	return a
}

// do makes a request, and returns the answer with its body.
func (a *api) do(method, path, media string, body []byte, headers ...string) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+a.key)
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	all, err := io.ReadAll(answer.Body)
	return answer, all, err
}

// newKey is a key that may do everything.
func (d *desk) newKey() string {
	d.t.Helper()
	now := time.Now().UTC()
	k := &storage.APIKey{KeyID: messages.NewAPIKeyID(""), Name: "Monitor", Scopes: []string{"admin"}, Rate: 100_000,
		CreatedAt: now, UpdatedAt: now}
	key, hash := messages.NewAPIKey(k.KeyID)
	k.Secrets = []storage.KeySecret{{Hash: hash, CommandID: "test", CreatedAt: now}}
	d.must(d.store.SaveAPIKey(d.t.Context(), k))
	return key
}

// openOn opens a ticket that a node of two has.
func (d *desk) openOn(node string) *ticket {
	d.t.Helper()
	for i := 1; ; i++ {
		k := d.open(d.ann, d.support, fmt.Sprintf("Printer %d of %s", i, node))
		if etcdtest.Owner(d.t, []string{nodeAddr(1), nodeAddr(2)}, messages.KindTicket, k.id) == node {
			return k
		}
	}
}

// meet waits until each of two nodes knows the other.
func (d *desk) meet(first, second *process) {
	d.t.Helper()
	d.eventually("each node knows both", func() bool {
		return len(first.system.Nodes(d.t.Context())) == 2 && len(second.system.Nodes(d.t.Context())) == 2
	})
}

// TestClusterFilesAreReadOnEveryNode: what one node has received from Telegram, or from a program, another one gives out, also
// when the first has left.
func TestClusterFilesAreReadOnEveryNode(t *testing.T) {
	o := clustered(t)
	o.files, o.sweepEvery = keeping(t).files, time.Second
	d := ready(t, o)
	second := d.joins("second")
	defer second.stop(t)
	first := d.process
	d.meet(first, second)
	key := d.newKey()
	one, two := d.serves(first, key), d.serves(second, key)
	type file struct{ id, content string }
	var files []file
	for i, node := range []string{nodeAddr(1), nodeAddr(2)} {
		k := d.openOn(node)
		photo := upload("photo")
		photo.Data = fmt.Append(photo.Data, i)
		d.send(d.ann, d.support, k.thread, photo, "")
		a := d.awaitFiles(k, 1)[0]
		if a.State != storage.FileStored {
			t.Fatalf("%+v", a)
		}
		files = append(files, file{a.AttachmentID, string(photo.Data)})
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("file", "report.txt")
		d.must(err)
		_, err = fmt.Fprint(part, "all is well at ", node)
		d.must(err)
		d.must(w.Close())
		answer, body, err := one.do("POST", "/api/v1/tickets/"+k.id+"/attachments", w.FormDataContentType(), form.Bytes())
		d.must(err)
		var made struct{ AttachmentID string }
		if json.Unmarshal(body, &made) != nil || answer.StatusCode != 201 {
			t.Fatalf("%d %s", answer.StatusCode, body)
		}
		files = append(files, file{made.AttachmentID, "all is well at " + node})
	}
	read := func(where string, from *api) {
		t.Helper()
		for _, f := range files {
			answer, body, err := from.do("GET", "/api/v1/attachments/"+f.id+"/content", "", nil)
			d.must(err)
			if answer.StatusCode != 200 || string(body) != f.content {
				t.Errorf("%s: %d %.200q, want %q", where, answer.StatusCode, body, f.content)
			}
		}
	}
	read("on the first", one)
	read("on the second", two)
	one.stop()
	d.process = second
	first.stop(t)
	read("when the first has left", two)
}

// TestClusterCarriesARequestOutOnce: the same request at both nodes, at once and in turn, has one effect, and the same answer.
func TestClusterCarriesARequestOutOnce(t *testing.T) {
	d := ready(t, clustered(t))
	second := d.joins("second")
	defer second.stop(t)
	first := d.process
	d.meet(first, second)
	tickets := []*ticket{d.openOn(nodeAddr(1)), d.openOn(nodeAddr(2))}
	type request struct {
		k          *ticket
		apis       []*api
		path, text string
	}
	answered := func(a *api, r *request) (answer string, again bool) {
		for {
			said := fmt.Appendf(nil, `{"text":%q}`, r.text)
			answer, body, err := a.do("POST", r.path, "application/json", said, "Idempotency-Key", strings.ReplaceAll(r.text, " ", "-"))
			if err != nil {
				return err.Error(), false
			}
			if answer.StatusCode == 409 && strings.Contains(string(body), "idempotency_in_progress") {
				continue // until the other one is answered
			}
			return fmt.Sprintf("%d %s", answer.StatusCode, body), answer.Header.Get("Idempotent-Replayed") == "true"
		}
	}
	var requests []*request
	began := map[string]string{} // first answers, by text
	for round := range 8 {       // keys of the API are spread over the nodes, as tickets are
		key := d.newKey()
		apis := []*api{d.serves(first, key), d.serves(second, key)}
		for i, k := range tickets {
			r := &request{k: k, apis: apis, path: "/api/v1/tickets/" + k.id + "/messages", text: fmt.Sprintf("request %d.%d.", round, i)}
			requests = append(requests, r)
			said, anew := make([]string, 8), 0
			var mu sync.Mutex
			var all sync.WaitGroup
			for n := range said {
				all.Go(func() {
					text, again := answered(apis[n%2], r)
					mu.Lock()
					defer mu.Unlock()
					if said[n] = text; !again {
						anew++
					}
				})
			}
			all.Wait()
			for _, text := range said {
				if text != said[0] || !strings.HasPrefix(text, "202 ") {
					t.Errorf("%s is answered with %s, and with %s", r.text, said[0], text)
				}
			}
			if anew != 1 {
				t.Errorf("%s was carried out %d times", r.text, anew)
			}
			began[r.text] = said[0]
		}
	}
	in := func(which int, who string) {
		t.Helper()
		for _, r := range requests {
			if got, again := answered(r.apis[which], r); got != began[r.text] || !again {
				t.Errorf("%s, once more, by the %s: %s, before %s", r.text, who, got, began[r.text])
			}
		}
	}
	in(0, "first")
	in(1, "second")
	for _, r := range requests {
		r.apis[0].stop()
	}
	d.process = second
	first.stop(t)
	in(1, "second, when the first has left")
	d.quiet(tickets...)
	for _, r := range requests {
		d.copiedOnce(d.support, r.k.thread, r.text)
	}
}

// TestClusterNodesAreToldByTheAPI: each node names every member by its CLUSTER_ADDR, with what it has.
func TestClusterNodesAreToldByTheAPI(t *testing.T) {
	d := ready(t, clustered(t))
	second := d.joins("second")
	defer second.stop(t)
	d.meet(d.process, second)
	d.openOn(nodeAddr(1))
	d.openOn(nodeAddr(2))
	key := d.newKey()
	for _, p := range []*process{d.process, second} {
		a := d.serves(p, key)
		for _, path := range []string{"/api/v1/monitoring/nodes", "/readyz?verbose"} {
			answer, body, err := a.do("GET", path, "", nil)
			d.must(err)
			var told struct {
				Nodes []struct {
					Addr             string
					Shards, Entities int
					Since            time.Time
				}
			}
			if err := json.Unmarshal(body, &told); err != nil || answer.StatusCode != 200 || len(told.Nodes) != 2 {
				t.Fatalf("%s of the %s: %v, %d %s", path, p.owner, err, answer.StatusCode, body)
			}
			shards := 0
			for i, n := range told.Nodes {
				shards += n.Shards
				if n.Addr != nodeAddr(i+1) || n.Shards == 0 || n.Entities == 0 || n.Since.IsZero() {
					t.Errorf("%s of the %s: %s", path, p.owner, body)
				}
			}
			if shards > 256 {
				t.Errorf("%s of the %s: %d shards", path, p.owner, shards)
			}
		}
		a.stop()
	}
}
