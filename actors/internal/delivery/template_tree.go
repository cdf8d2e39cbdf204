package delivery

import (
	"strconv"
	"text/template/parse"
)

// The calls that a rewriter puts into a tree. Sources can't name them.
const (
	callTick  = "_tick"
	callEnter = "_enter"
	callLeave = "_leave"
	callField = "_field"
	callShow  = "_show"
)

// rewriter prepares a parsed template. It refuses functions that are not ours; has our own function follow each chain
// of fields, so that no method is ever called; has what is written pass through our own function, so that null is
// empty; and puts the calls into loops and templates that end them when their time is over.
type rewriter struct {
	text *text
	main bool // it is the template that gets the event itself
}

func (w *rewriter) tree(tree *parse.Tree, main bool) error {
	w.main = main
	if tree.Root == nil {
		tree.Root = &parse.ListNode{NodeType: parse.NodeList}
	}
	if err := w.list(tree.Root, main); err != nil {
		return err
	}
	nodes := append([]parse.Node{calling(callEnter)}, tree.Root.Nodes...)
	tree.Root.Nodes = append(nodes, calling(callLeave))
	return nil
}

// list goes through the nodes. rooted: the dot is the event.
func (w *rewriter) list(list *parse.ListNode, rooted bool) error {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		if err := w.node(node, rooted); err != nil {
			return err
		}
	}
	return nil
}

func (w *rewriter) node(node parse.Node, rooted bool) error {
	switch n := node.(type) {
	case *parse.ActionNode:
		if err := w.pipe(n.Pipe, rooted); err != nil {
			return err
		}
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, command(n.Pos, callShow))
		}
	case *parse.IfNode:
		return w.branch(&n.BranchNode, rooted, rooted)
	case *parse.WithNode:
		return w.branch(&n.BranchNode, rooted, false)
	case *parse.RangeNode:
		if err := w.branch(&n.BranchNode, rooted, false); err != nil {
			return err
		}
		n.List.Nodes = append([]parse.Node{calling(callTick)}, n.List.Nodes...)
	case *parse.TemplateNode:
		return w.pipe(n.Pipe, rooted)
	}
	return nil
}

// branch goes through an if, with or range. within: the dot is still the event in its first list.
func (w *rewriter) branch(n *parse.BranchNode, rooted, within bool) error {
	if err := w.pipe(n.Pipe, rooted); err != nil {
		return err
	}
	if err := w.list(n.List, within); err != nil {
		return err
	}
	return w.list(n.ElseList, rooted)
}

func (w *rewriter) pipe(pipe *parse.PipeNode, rooted bool) error {
	if pipe == nil {
		return nil
	}
	for _, variable := range pipe.Decl {
		if variable.Ident[0] == "$" {
			return w.text.at(int(variable.Pos), "$ is the event; choose another name")
		}
	}
	for i, cmd := range pipe.Cmds {
		if err := w.command(cmd, i > 0, rooted); err != nil {
			return err
		}
	}
	return nil
}

// command goes through a function or value and its arguments. piped: it gets the result of another command.
func (w *rewriter) command(cmd *parse.CommandNode, piped, rooted bool) error {
	_, isFunction := cmd.Args[0].(*parse.IdentifierNode)
	if !isFunction && (piped || len(cmd.Args) > 1) {
		return w.text.at(w.start(cmd.Args[0]), "%s is no function", cmd.Args[0])
	}
	for i, arg := range cmd.Args {
		value, err := w.value(arg, rooted)
		if err != nil {
			return err
		}
		if field, ok := value.(*parse.PipeNode); ok && len(cmd.Args) == 1 && value != arg {
			cmd.Args = field.Cmds[0].Args // a field alone needs no parentheses
			return nil
		}
		cmd.Args[i] = value
	}
	return nil
}

// value returns what stands for a node: itself, or a call that follows a chain of fields.
func (w *rewriter) value(node parse.Node, rooted bool) (parse.Node, error) {
	switch n := node.(type) {
	case *parse.IdentifierNode:
		if !allowedFunctions[n.Ident] {
			return nil, w.text.at(int(n.Pos), "there is no function %s", n.Ident)
		}
	case *parse.PipeNode:
		return n, w.pipe(n, rooted)
	case *parse.FieldNode:
		return w.fields(n.Pos, w.start(n), &parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}, n.Ident, rooted), nil
	case *parse.VariableNode:
		if len(n.Ident) == 1 {
			return n, nil
		}
		base := &parse.VariableNode{NodeType: parse.NodeVariable, Pos: n.Pos, Ident: n.Ident[:1]}
		return w.fields(n.Pos, int(n.Pos), base, n.Ident[1:], w.main && n.Ident[0] == "$"), nil
	case *parse.ChainNode:
		base, err := w.value(n.Node, rooted)
		if err != nil {
			return nil, err
		}
		return w.fields(n.Pos, int(n.Pos), base, n.Field, false), nil
	}
	return node, nil
}

// start is where a node begins in the source. A chain of fields says where its second field begins.
func (w *rewriter) start(node parse.Node) int {
	if n, ok := node.(*parse.FieldNode); ok && len(n.Ident) > 1 {
		return int(n.Pos) - len(".") - len(n.Ident[0])
	}
	return int(node.Position())
}

// fields is (_field NUMBER base), where the number is that of the path.
func (w *rewriter) fields(pos parse.Pos, offset int, base parse.Node, names []string, rooted bool) *parse.PipeNode {
	number := len(w.text.paths)
	w.text.paths = append(w.text.paths, path{names: names, offset: offset, rooted: rooted})
	call := command(pos, callField)
	call.Args = append(call.Args, &parse.NumberNode{NodeType: parse.NodeNumber, Pos: pos, IsInt: true,
		Int64: int64(number), Text: strconv.Itoa(number)}, base)
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{call}}
}

func command(pos parse.Pos, name string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos,
		Args: []parse.Node{parse.NewIdentifier(name).SetPos(pos)}}
}

// calling is {{name}}.
func calling(name string) *parse.ActionNode {
	return &parse.ActionNode{NodeType: parse.NodeAction,
		Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Cmds: []*parse.CommandNode{command(0, name)}}}
}
