// needs: docker, compose, nats-server, prometheus, alertmanager, pushgateway
import { monitoringFaults } from './faults/monitoring.ts'
import { bringAbout } from './suite.ts'

bringAbout(monitoringFaults, { stateMegabytes: 64 })
