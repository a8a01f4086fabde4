// needs: docker, compose
import { openDockerGround } from './model/dockerground.ts'
import { describeModel } from './model/suite.ts'

describeModel('Docker', openDockerGround, 1, 20)
