package httpedge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

func TestAttachments(t *testing.T) {
	s, key := ticketService(t)
	made := s.ticket(key, "Files")
	add := func(name, content string) map[string]any {
		return s.do("POST", at(made)+"/attachments", key, fileForm("file", name, content)).is(201)
	}
	t.Run("what was uploaded is given out as it was, whole and in parts, and never as a page", func(t *testing.T) {
		a := add("../ภาพ \"x\".txt", "0123456789")
		if a["fileSize"] != float64(10) || a["fileType"] != "document" || a["state"] != "stored" ||
			strings.ContainsAny(a["fileName"].(string), "/\"") {
			t.Error(a)
		}
		path := a["downloadUrl"].(string)
		r := s.do("GET", path, key, nil)
		if r.status != 200 || string(r.body) != "0123456789" {
			t.Errorf("%d %q", r.status, r.body)
		}
		for name, want := range map[string]string{"Content-Type": "application/octet-stream",
			"X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes"} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment; filename") ||
			!strings.Contains(r.header.Get("Content-Security-Policy"), "sandbox") {
			t.Error(r.header)
		}
		for spec, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-3": "789",
			"bytes=0-99": "0123456789", "bytes=0-9223372036854775807": "0123456789", "bytes=a-b": "0123456789", "bytes=1-2,4-5": "0123456789"} {
			part := s.do("GET", path, key, nil, "Range", spec)
			if string(part.body) != want || (part.status == 206) != (len(want) < 10) {
				t.Errorf("%s: %d %q", spec, part.status, part.body)
			}
		}
		if none := s.do("GET", path, key, nil, "Range", "bytes=10-"); none.status != 416 ||
			none.header.Get("Content-Range") != "bytes */10" {
			t.Errorf("%d %v", none.status, none.header)
		}
		if same := s.do("GET", path, key, nil, "If-None-Match", r.header.Get("ETag")); same.status != 304 ||
			len(same.body) > 0 {
			t.Errorf("%d %q", same.status, same.body)
		}
	})
	t.Run("a file whose content is shorter or longer than it was is an error, not half an answer", func(t *testing.T) {
		path := add("whole.txt", "all of the words")["downloadUrl"].(string)
		contents, err := filepath.Glob(filepath.Join(s.folder, "content", "*", "*"))
		if err != nil || len(contents) == 0 {
			t.Fatal(contents, err)
		}
		for _, size := range []int64{0, 40} {
			for _, name := range contents {
				if err := os.Truncate(name, size); err != nil {
					t.Fatal(err)
				}
			}
			if r := s.do("GET", path, key, nil); r.status != 500 || !strings.Contains(string(r.body), "internal") {
				t.Errorf("%d bytes: %d %s", size, r.status, r.body)
			}
		}
	})
	t.Run("a message carries files into every topic", func(t *testing.T) {
		s.do("POST", at(made)+"/mention", key, map[string]any{"username": "ben"}).is(202)
		a, b := add("report.txt", "all is well"), add("picture.png", tinyPNG(200, 100))
		if b["fileType"] != "photo" || b["thumbnailUrl"] == nil {
			t.Error(b)
		}
		if r := s.do("GET", b["thumbnailUrl"].(string), key, nil); r.status != 200 ||
			!strings.HasPrefix(string(r.body), "\xff\xd8") {
			t.Errorf("thumbnail: %d", r.status)
		}
		sent := s.do("POST", at(made)+"/messages", key, map[string]any{"text": "see these",
			"attachmentIds": []any{a["attachmentId"], b["attachmentId"]}}, "Idempotency-Key", "files").is(202)
		s.await("the files are there", func() bool {
			docs, photos := 0, 0
			for _, g := range []int64{s.support, s.sales} {
				for _, m := range s.sim.Messages(g, simulator.AllThreads) {
					if m.Media != nil && m.Media.FileName == "report.txt" && strings.Contains(m.Text, "see these") {
						docs++
					}
					if m.Media != nil && m.Media.Kind == "photo" {
						photos++
					}
				}
			}
			return docs == 2 && photos == 2
		})
		list := s.do("GET", at(made)+"/messages", key, nil).is(200)["data"].([]any)
		if first := list[0].(map[string]any); len(list) != 2 || first["messageId"] != sent["messageId"] ||
			first["attachments"].([]any)[0] != a["attachmentId"] || first["media"] != "document" {
			t.Error(list)
		}
	})
	t.Run("nothing is said when one of the files is not there, and the request may be mended", func(t *testing.T) {
		other := s.ticket(key, "Half")
		a := s.do("POST", at(other)+"/attachments", key, fileForm("file", "a.txt", "hello")).is(201)
		for _, missing := range []any{"nope", add("b.txt", "of another ticket")["attachmentId"]} {
			s.do("POST", at(other)+"/messages", key, map[string]any{"text": "first",
				"attachmentIds": []any{a["attachmentId"], missing}}, "Idempotency-Key", "half").is(422, "attachment_not_found")
		}
		s.do("POST", at(other)+"/messages", key, map[string]any{"text": "mended",
			"attachmentIds": []any{a["attachmentId"]}}, "Idempotency-Key", "half").is(202)
		if list := s.do("GET", at(other)+"/messages", key, nil).is(200)["data"].([]any); len(list) != 1 ||
			list[0].(map[string]any)["text"] != "mended" {
			t.Error(list)
		}
	})
	t.Run("a file of another ticket is none of this one's", func(t *testing.T) {
		a := add("a.txt", "hello")
		s.do("POST", at(s.ticket(key, "Other"))+"/messages", key,
			map[string]any{"attachmentIds": []any{a["attachmentId"]}}).is(422, "attachment_not_found")
	})
	t.Run("a large file goes in, a larger one is refused, and without a key none", func(t *testing.T) {
		uploader := s.key(nil, "messages:write") // not used before
		s.do("POST", at(made)+"/attachments", uploader, fileForm("file", "first.bin",
			strings.Repeat("x", 2<<20))).is(201)
		madeUp, _ := messages.NewAPIKey(messages.NewAPIKeyID("made up"))
		if r, err := s.try("POST", at(made)+"/attachments", madeUp,
			fileForm("file", "a.bin", strings.Repeat("x", 2<<20))); err == nil && r.status != 413 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if a := add("large.bin", strings.Repeat("x", 20<<20)); a["fileSize"] != float64(20<<20) {
			t.Error(a)
		}
		if r, err := s.try("POST", at(made)+"/attachments", key,
			fileForm("file", "a.bin", strings.Repeat("x", 51<<20))); err == nil && r.status != 413 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r, err := s.try("POST", at(made)+"/attachments", "",
			fileForm("file", "a.bin", strings.Repeat("x", 2<<20))); err == nil && r.status != 413 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

// TestFilesOfTwoKeys: two keys, each of its own group, upload the same bytes. Neither Telegram nor the API shows the name
// that the other one gave them.
func TestFilesOfTwoKeys(t *testing.T) {
	s, _ := ticketService(t)
	picture := tinyPNG(200, 100)
	customers := []struct {
		name  string
		group int64
		key   string
	}{{"ACME", s.support, s.bound(s.support)}, {"Globex", s.sales, s.bound(s.sales)}}
	for _, kind := range []string{"document", "photo"} {
		ids := map[string]string{}
		for _, c := range customers {
			made := s.ticket(c.key, "Contract", "groupId", c.group)
			a := s.do("POST", at(made)+"/attachments", c.key, fileForm("file", "Contract "+c.name+".png", picture,
				"kind", kind)).is(201)
			ids[c.name] = a["attachmentId"].(string)
			s.do("POST", at(made)+"/messages", c.key, object{"text": "sign", "attachmentIds": []any{ids[c.name]}}).is(202)
			s.await("the file of "+c.name, func() bool {
				for _, m := range s.sim.Messages(c.group, thread(made)) {
					if m.Media == nil {
						continue
					}
					if m.Media.Kind != kind || m.Media.FileName != "Contract "+c.name+".png" {
						t.Fatalf("%s sees the %s %q", c.name, m.Media.Kind, m.Media.FileName)
					}
					return true
				}
				return false
			})
		}
		for i, c := range customers {
			s.do("GET", "/api/v1/attachments/"+ids[customers[1-i].name], c.key, nil).is(404)
			r := s.do("GET", "/api/v1/attachments/"+ids[c.name]+"/content", c.key, nil)
			if got := r.header.Get("Content-Disposition"); !strings.Contains(got, c.name) {
				t.Errorf("%s downloads %s", c.name, got)
			}
		}
	}
}
