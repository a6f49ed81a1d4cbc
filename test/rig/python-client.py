"""The calls of the client matrix with Python's requests or urllib: a task on standard input, the answers as JSON."""

import hashlib
import json
import sys

PIECE = 65536


def fields_of(headers):
    fields = {}
    for name, value in headers.items():
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields


def answer_of(status, headers, body):
    digest = hashlib.sha256(body).hexdigest()
    return {"status": status, "fields": fields_of(headers), "bodyBytes": len(body), "bodyHash": digest}


def pieces_of(file):
    with open(file, "rb") as upload:
        while piece := upload.read(PIECE):
            yield piece


def body_of(call, file):
    body = call.get("body")
    if body is None:
        return None
    if body == "chunked":
        return pieces_of(file)
    return open(file, "rb").read() if body == "length" else body["text"].encode()


def with_requests(task):
    import requests

    session = requests.Session()

    def call_once(call):
        url = task["base"] + call["path"]
        leave_after = call.get("leaveAfterBytes")
        answer = session.request(
            call["method"],
            url,
            headers=call.get("fields", {}),
            data=body_of(call, task["uploadFile"]),
            stream=leave_after is not None,
        )
        if leave_after is None:
            return answer_of(answer.status_code, answer.headers, answer.content)
        answer.raw.read(leave_after)
        answer.close()
        return None

    return call_once


def with_urllib(task):
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    def call_once(call):
        request = Request(
            task["base"] + call["path"],
            data=body_of(call, task["uploadFile"]),
            headers=call.get("fields", {}),
            method=call["method"],
        )
        leave_after = call.get("leaveAfterBytes")
        try:
            answer = urlopen(request)
        except HTTPError as error:
            answer = error
        if leave_after is None:
            return answer_of(answer.status, answer.headers, answer.read())
        answer.read(leave_after)
        answer.close()
        return None

    return call_once


def main():
    task = json.load(sys.stdin)
    call_once = {"requests": with_requests, "urllib": with_urllib}[task["library"]](task)
    answers = []
    for call in task["calls"]:
        all_of_it = [call_once(call) for _ in range(call.get("times", 1))]
        answers.append([answer for answer in all_of_it if answer is not None])
    json.dump(answers, sys.stdout)


main()
