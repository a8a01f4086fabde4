import { openProcessGround } from './model/processground.ts'
import { describeModel } from './model/suite.ts'

describeModel('processes', openProcessGround, 2, 40)
