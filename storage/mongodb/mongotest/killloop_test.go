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

// serverEnv makes the test binary a server with its files in the folder that the variable names. The server prints its
// address to stdout, and ends when stdin does.
const serverEnv = "MONGOTEST_SERVER"

func runServer(dir string) error {
	server, err := mongotest.Start(dir, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.Stop()
	server.Watch(func(moment string) { // gives each table its index as soon as it exists
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

// serverProcess starts the server in a process of its own and returns its address.
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

// TestKillLoop runs the crash test of cmd/topicdesk on MongoDB's protocol: that test's own code in its own test
// binary, with a server whose process outlives the service.
func TestKillLoop(t *testing.T) { // not parallel to the others: a stop has 9 s
	binary := filepath.Join(t.TempDir(), "topicdesk.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "./cmd/topicdesk")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, mode := range []string{"polling", "webhook"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel() // to each other: each has a server of its own
			cmd := exec.Command(binary, "-test.run=^TestKillLoop$/^"+mode+"$", "-test.v", "-test.timeout=30m")
			cmd.Dir = "../../../cmd/topicdesk"
			cmd.Env = append(os.Environ(), "DATABASE_URL="+serverProcess(t))
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "messages,") {
				t.Fatalf("%v\n%s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, "messages,") || strings.Contains(line, "---") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}
