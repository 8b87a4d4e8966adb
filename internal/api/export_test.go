package api

// RouteNames lists "METHOD path" of every route, for the test that each is
// in the table of tests.
func RouteNames() []string {
	var names []string
	for _, rt := range new(Server).routes() {
		names = append(names, rt.method+" "+rt.path)
	}
	return names
}
