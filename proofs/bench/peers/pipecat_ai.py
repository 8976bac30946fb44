"""The shape of the Twilio example of `pipecat-ai` with its service for the Realtime API.

Why it exists: it is the framework that most voice agents in Python are written with. As there: FastAPI, its
WebSocket transport with TwilioFrameSerializer, a pipeline of transport, context and OpenAIRealtimeLLMService,
a worker for each call. Turns are detected by the model alone: the voice detection that its template runs
beside that would only cost more. Its service speaks 24 kHz PCM, so audio is coded anew. Owns: that shape,
written against the pinned version. Must not know: what it is compared with. It runs in an environment of its
own.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

from proofs.bench.peers.common import INSTRUCTIONS, MODEL, SILENCE_MS, VOICE, Options, options

TWILIO_HZ = 8000


async def hold(twilio: WebSocket, told: Options) -> None:
    """One call, until Twilio ends it. Cancelling it ends the call."""
    _, call = await parse_telephony_websocket(twilio)
    transport = FastAPIWebsocketTransport(
        websocket=twilio,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            serializer=TwilioFrameSerializer(
                stream_sid=call["stream_id"],
                call_sid=call["call_id"],
                params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
            ),
        ),
    )
    context = LLMContext()
    user, assistant = LLMContextAggregatorPair(context)
    worker = PipelineWorker(
        Pipeline([transport.input(), user, _model(told), transport.output(), assistant]),
        params=PipelineParams(audio_in_sample_rate=TWILIO_HZ, audio_out_sample_rate=TWILIO_HZ),
    )
    runner = WorkerRunner(handle_sigint=False)

    @transport.event_handler("on_client_connected")
    async def connected(_transport: Any, _client: Any) -> None:
        await worker.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")
    async def disconnected(_transport: Any, _client: Any) -> None:
        await runner.cancel()

    await runner.add_workers(worker)
    await runner.run()


def app(told: Options) -> FastAPI:
    """The server."""
    made = FastAPI()

    @made.websocket("/media")
    async def media(twilio: WebSocket) -> None:
        await twilio.accept()
        await hold(twilio, told)

    return made


def main() -> None:
    """The command."""
    told = options("pipecat_ai")
    # As a server in production logs: its default writes a line for much of what passes.
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(app(told), host="127.0.0.1", port=told.port, log_level="warning")


# Private.


def _model(told: Options) -> OpenAIRealtimeLLMService:
    properties = events.SessionProperties(
        audio=events.AudioConfiguration(
            input=events.AudioInput(turn_detection=events.TurnDetection(silence_duration_ms=SILENCE_MS)),
            output=events.AudioOutput(voice=VOICE),
        )
    )
    return OpenAIRealtimeLLMService(
        api_key=told.api_key,
        base_url=told.model_url,
        settings=OpenAIRealtimeLLMService.Settings(
            model=MODEL, system_instruction=INSTRUCTIONS, session_properties=properties
        ),
    )


if __name__ == "__main__":
    main()
