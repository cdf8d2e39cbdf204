package main

import (
	"fmt"
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
