// Package all is the list of the connectors.
package all

import (
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/blackhole"
	"github.com/millrace/millrace/connectors/datagen"
	"github.com/millrace/millrace/connectors/exec"
	"github.com/millrace/millrace/connectors/filesystem"
	"github.com/millrace/millrace/connectors/jdbc"
	"github.com/millrace/millrace/connectors/kafka"
	"github.com/millrace/millrace/connectors/mysqlcdc"
	"github.com/millrace/millrace/connectors/nexmark"
	"github.com/millrace/millrace/connectors/postgrescdc"
	"github.com/millrace/millrace/connectors/print"
	"github.com/millrace/millrace/connectors/redis"
)

// Connectors are all connectors.
func Connectors() []*connectors.Connector {
	return []*connectors.Connector{blackhole.Connector, datagen.Connector, exec.Connector, filesystem.Connector, jdbc.Connector, kafka.Connector, kafka.Upsert, mysqlcdc.Connector, nexmark.Connector, postgrescdc.Connector, print.Connector, redis.Connector}
}

// Lookup finds a connector by name, nil for none.
func Lookup(name string) *connectors.Connector {
	for _, c := range Connectors() {
		if c.Name == name {
			return c
		}
	}
	return nil
}
