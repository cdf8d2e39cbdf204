package main

import (
	"strings"
	"testing"
)

// TestSwaggerInTheBrowser: the page of the API's operations works under its policy, which lets nothing run that it did not come with.
func TestSwaggerInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	addr, _, _ := serveSimulated(t, t.TempDir())
	b.visit("http://" + addr + "/swagger")
	b.see(`document.querySelectorAll('.opblock').length > 50`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
	b.until("run a script of somebody else's", `(() => {
		const script = document.createElement('script');
		script.textContent = 'window.intruded = true';
		document.body.append(script);
		return !window.intruded;
	})()`)
}
