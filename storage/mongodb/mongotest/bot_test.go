package mongotest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestADeskBelongsToOneBot: on MongoDB, too, any node refuses a desk of another bot, until somebody gives the desk to that.
func TestADeskBelongsToOneBot(t *testing.T) {
	s := newService(t)
	ready := func() { s.await("it is ready", func() bool { return s.status("/readyz") == 200 }) }
	s.start()
	ready()
	s.kill()
	sim, err := simulator.New(simulator.Options{Token: "7000000007:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
	must(t, err)
	defer func() { _ = sim.Close() }()
	running, err := sim.Start("127.0.0.1:0")
	must(t, err)
	defer func() { _ = running.Stop() }()
	s.env = append(s.env, "TELEGRAM_BOT_TOKEN="+sim.Token(), "TELEGRAM_API_URL="+running.URL)
	s.log.Reset()
	s.start()
	if err := s.cmd.Wait(); err == nil || !strings.Contains(s.log.String(), "belongs to the bot 123456789") && !strings.Contains(s.log.String(), "trial") {
		t.Fatalf("%v\n%s", err, &s.log)
	}
	s.cmd = nil
	change := exec.CommandContext(t.Context(), s.path, "change-bot")
	change.Env, change.Dir = append(os.Environ(), s.env...), t.TempDir()
	if out, err := change.CombinedOutput(); err != nil || !strings.Contains(string(out), "belongs to the bot 7000000007 now") {
		t.Fatalf("%v\n%s", err, out)
	}
	s.start()
	ready()
	s.kill()
}
