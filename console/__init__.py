"""The `trunkline` command line: demo, try, run, and what an operator looks at.

Owns the stack launcher and everything that is printed for people. It may use `shared` and `simulators`; of
the roles it knows only how to start them and what they write to Redis.

    app             the commands and their options
    options         options that several commands share, and what Tab completes them with
    leave           how a command leaves before its time: one line, an exit code
    interrupts      Ctrl-C and SIGTERM as a cancellation of the one main task
    style           colours, the one console
    text            cells, bars and durations of exact width
    tries           how many wrong tokens may be shown
    settings_table  `trunkline settings`
    keys_table      `trunkline keys`
    calls/          `calls`, `show`, `watch`, `say`, `hangup`, `drain`
    top/            `top`: all calls and workers on one screen
    doctor/         `doctor`: is everything there that calls need
    story/          what happened in one call: bands, turns, words as heard
    archive/        `archive`: calls that are over, kept for days
    listen/         `listen`: a live call, as it sounds
    recorder/       `recorder`: recordings, and the process that makes them
    web/            `web`: all of it in a browser
    phone/          a telephone in the browser
    operate/        `roll`, the watchdog, and the commands that look after processes
    stack/          a whole Trunkline on this machine under a supervisord: `run`, tests, proofs
    trial/          `try`: calls to the user's own agents, judged by what they expect
    demo/           `demo`: one simulated call, shown live, then judged
"""
