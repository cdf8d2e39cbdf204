package httpedge_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestExamples runs those of docs/examples against a service.
func TestExamples(t *testing.T) {
	s, key := ticketService(t)
	run := func(t *testing.T, name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Env = append(os.Environ(), "URL="+s.url, "KEY="+key, "GROUP="+strconv.FormatInt(s.support, 10))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	t.Run("curl", func(t *testing.T) {
		for _, tool := range []string{"bash", "curl"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Skip(err)
			}
		}
		script := filepath.Join("..", "docs", "examples", "tickets.sh")
		out := run(t, "bash", script)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != 5 || lines[1] != "pending" && lines[1] != "sent" || lines[2] != "urgent" || "opened "+lines[3] != lines[0] || lines[4] != "closed" {
			t.Errorf("the script says\n%s", out)
		}
	})
	t.Run("Go", func(t *testing.T) {
		var ids []string
		for range 5 {
			ids = append(ids, s.ticket(key, "For the watchdog")["ticketId"].(string))
		}
		program := filepath.Join(t.TempDir(), "goclient")
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../docs/examples/goclient").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for range 2 { // it may be repeated: nothing is said twice
			out := run(t, program)
			for _, id := range ids {
				if strings.Count(out, id) != 1 {
					t.Errorf("%s is not listed once:\n%s", id, out)
				}
			}
		}
		for _, id := range ids {
			if n := len(s.do("GET", "/api/v1/tickets/"+id+"/messages", key, nil).is(200)["data"].([]any)); n != 1 {
				t.Errorf("%d messages in %s", n, id)
			}
		}
	})
}
