"""`trunkline try`: an agent of one's own on a call that costs nothing, by scenario, words or microphone.

Owns: scenarios, what is expected of a call, its verdicts and how they are told. The call itself, its
timeline, recording and picture are the demo's (console/demo). Must not know: how an agent is made; the
brain's own check says which there are.

    commands  the command and its options
    play      the order: agents checked, stack up, calls, verdicts, files
    calling   one call: its caller, what connects them, what is judged
    wanted    what is to be tried, against what
    scenario  a conversation to be tried, as data
    file/     scenario files, read
    agents    which agents there are, by the brain's own check
    sounds    what is said in a scenario, as sound
    speech/   words that are typed, as sound
    model     what the simulated model says in it
    acting    the caller: carries out a scenario, step by step
    typed     the caller whose words are typed while the call goes on
    heard     what was said and done, of what was seen
    matching  whether words and arguments are those that were expected
    judge     a call and its scenario → verdicts
    junit     verdicts as a file for CI
"""
