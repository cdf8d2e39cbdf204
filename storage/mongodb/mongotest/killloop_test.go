package mongotest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage/mongodb/mongotest"
)

// serverEnv makes the test binary a server of its own, with its files in the folder that it names: it says its address on
// stdout and ends with stdin.
const serverEnv = "MONGOTEST_SERVER"

func runServer(dir string) error {
	server, err := mongotest.Start(dir, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.Stop()
	server.Watch(func(moment string) { // the tables get their index as soon as they are there
		if !strings.HasPrefix(moment, "after create") {
			return
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*.sqlite"))
		for _, file := range files {
			if err := server.Index(context.Background(), strings.TrimSuffix(filepath.Base(file), ".sqlite")); err != nil {
				fmt.Fprintln(os.Stderr, "index:", err)
			}
		}
	})
	fmt.Println(server.URI())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// serverProcess starts the server and returns its address.
func serverProcess(t *testing.T) (uri string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), serverEnv+"="+t.TempDir()), os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		must(t, stdin.Close())
		if err := cmd.Wait(); err != nil {
			t.Error("the server:", err)
		}
	})
	uri, err = bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	return strings.TrimSpace(uri)
}

// TestKillLoop has the crash test of the main job run on MongoDB's protocol: its own code, in its own test binary, with a
// server that is a process of its own and outlives the service.
func TestKillLoop(t *testing.T) { // not beside others: a stop has 9 s, and FerretDB carries out one command at a time
	binary := filepath.Join(t.TempDir(), "topicdesk.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "./cmd/topicdesk")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary, "-test.run=^TestKillLoop$", "-test.v", "-test.timeout=30m")
	cmd.Dir = "../../../cmd/topicdesk"
	cmd.Env = append(os.Environ(), "DATABASE_URL="+serverProcess(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "messages,") || strings.Contains(line, "---") {
			t.Log(strings.TrimSpace(line))
		}
	}
}
