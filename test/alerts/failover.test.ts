// needs: docker, compose, nats-server, prometheus, alertmanager, pushgateway
import { failoverFaults } from './faults/failover.ts'
import { bringAbout } from './suite.ts'

bringAbout(failoverFaults)
