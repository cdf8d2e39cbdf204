package mongotest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// asker is a program that reads and changes the tickets through the balancer, says something in them, and uploads and
// downloads files. When nodes leave and join, none of its requests fails.
type asker struct {
	d      *desks
	end    chan struct{}
	asking sync.WaitGroup
	asked  int
	said   map[*line][]string
	files  map[*line]string // the file that it uploaded
}

// askEvery is the pause between two requests.
func askEvery() time.Duration { return forms(500*time.Millisecond, 250*time.Millisecond) }

// asking has a program ask until it is stopped.
func (d *desks) asking() *asker {
	p := &asker{d: d, end: make(chan struct{}), said: map[*line][]string{}, files: map[*line]string{}}
	p.asking.Go(func() {
		again := time.NewTicker(askEvery())
		defer again.Stop()
		for n := 0; ; n++ {
			l := d.lines[n/4%len(d.lines)]
			switch n % 4 {
			case 0:
				p.ask(http.StatusOK, http.MethodGet, "/tickets/"+l.ticket, nil, nil)
			case 1:
				p.ask(http.StatusOK, http.MethodPatch, "/tickets/"+l.ticket, nil, []byte(`{"priority":"`+[]string{"low", "high"}[n/4%2]+`"}`))
			case 2:
				p.tell(l)
			case 3:
				p.file(l)
			}
			select {
			case <-p.end:
				return
			case <-again.C:
			}
		}
	})
	return p
}

// stop ends the program, waits until all that it said is in Telegram, and returns how many requests it made. Of what it
// said, so much may come again.
func (p *asker) stop(repeats int) (asked int) {
	p.d.Helper()
	close(p.end)
	p.asking.Wait()
	again := 0
	for l, said := range p.said {
		for _, topic := range []struct {
			chat   int64
			thread int
		}{{l.home, l.thread}, {l.there, l.thereTo}} {
			count := func(text string) (times int) {
				for _, m := range p.d.sim.Messages(topic.chat, topic.thread) {
					times += strings.Count(m.Text, text)
				}
				return times
			}
			for _, text := range said {
				p.d.await(text+" in both topics of "+l.title, func() bool { return count(text) > 0 })
				again += count(text) - 1
			}
		}
	}
	if again > repeats {
		p.d.Errorf("%d of what the program said came again, want %d at most", again, repeats)
	}
	return p.asked
}

// ask makes a request. Its answer is nil where it failed.
func (p *asker) ask(want int, method, path string, header http.Header, body []byte) (answer []byte) {
	began := time.Now()
	p.asked++
	status, answer := p.d.events.send(p.d.Context(), method, path, header, body)
	if status == want {
		return answer
	}
	p.d.fault(began.Add(-5*time.Second), "%s %s at %s: after %v %d %s", method, path, began.Format(time.TimeOnly), rounded(time.Since(began)), status, answer)
	return nil
}

// tell says something in a ticket, twice with one Idempotency-Key, the second time to another node: it is said once.
func (p *asker) tell(l *line) {
	text := fmt.Sprintf("asked %d in %s", time.Now().UnixNano(), l.ticket)
	body, _ := json.Marshal(map[string]string{"text": text})
	header := http.Header{"Idempotency-Key": {strings.ReplaceAll(text, " ", "-")}}
	var first string
	for range 2 {
		answer := p.ask(http.StatusAccepted, http.MethodPost, "/tickets/"+l.ticket+"/messages", header, body)
		var sent struct{ MessageID string }
		if answer == nil {
			return
		}
		if err := json.Unmarshal(answer, &sent); err != nil || sent.MessageID == "" || first != "" && first != sent.MessageID {
			p.d.Errorf("%s is answered %s; before: %s", text, answer, first)
		}
		if first == "" {
			p.said[l] = append(p.said[l], text)
		}
		first = sent.MessageID
	}
}

// file uploads the file of a ticket, or downloads it.
func (p *asker) file(l *line) {
	content := strings.Repeat("Notes on "+l.title+"\n", 200)
	if id := p.files[l]; id != "" {
		got := p.ask(http.StatusOK, http.MethodGet, "/attachments/"+url.PathEscape(id)+"/content", nil, nil)
		if got != nil && string(got) != content {
			p.d.Errorf("the file of %s has %d bytes, want %d", l.title, len(got), len(content))
		}
		return
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "notes.txt")
	must(p.d.T, err)
	_, err = part.Write([]byte(content))
	must(p.d.T, err)
	must(p.d.T, w.Close())
	answer := p.ask(http.StatusCreated, http.MethodPost, "/tickets/"+l.ticket+"/attachments",
		http.Header{"Content-Type": {w.FormDataContentType()}, "Idempotency-Key": {l.ticket + w.Boundary()}}, form.Bytes())
	var kept struct{ AttachmentID string }
	if answer != nil && (json.Unmarshal(answer, &kept) != nil || kept.AttachmentID == "") {
		p.d.Errorf("an upload is answered %s", answer)
	}
	p.files[l] = kept.AttachmentID
}
