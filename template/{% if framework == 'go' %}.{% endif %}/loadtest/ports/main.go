// Command ports prints two TCP ports that nobody listens on: for loadtest/run.sh.
package main

import (
	"fmt"
	"log"
	"net"
)

func main() {
	// Both are held until the end, or they might be the same.
	one, another := listen(), listen()
	fmt.Println(port(one), port(another))
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func port(listener net.Listener) string {
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	return port
}
