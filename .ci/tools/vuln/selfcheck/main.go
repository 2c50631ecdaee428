// Command selfcheck calls a function that the database beside it declares
// vulnerable, so that .ci/run sees its check for vulnerabilities fail.
package main

import (
	"fmt"
	"strings"
)

func main() { fmt.Println(strings.ToUpper("selfcheck")) }
