package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestSwaggerFillsTheWindow: Swagger's page leaves no frame around it, and is dark where the browser is.
func TestSwaggerFillsTheWindow(t *testing.T) {
	b := newBrowser(t)
	addr, _, _ := serveSimulated(t, t.TempDir())
	for _, scheme := range []string{"light", "dark"} {
		b.as(1280, scheme)
		b.visit("http://" + addr + "/swagger")
		b.see(`document.querySelector('.swagger-ui .opblock')`)
		b.see(`(() => { const box = document.querySelector('.swagger-ui').getBoundingClientRect();
			return box.left === 0 && box.right === document.documentElement.clientWidth && getComputedStyle(document.body).marginTop === '0px'; })()`)
		// Its own colours are light. In the dark they are turned.
		b.see(fmt.Sprintf(`getComputedStyle(document.documentElement).filter.includes('invert') === %v`, scheme == "dark"))
		b.see(fmt.Sprintf(`getComputedStyle(document.documentElement).colorScheme === '%s'`, scheme))
	}
	b.open("about:blank")
}

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
