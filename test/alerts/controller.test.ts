// needs: docker, compose, nats-server, prometheus, alertmanager, pushgateway
import { controllerFaults } from './faults/controller.ts'
import { bringAbout } from './suite.ts'

bringAbout(controllerFaults)
