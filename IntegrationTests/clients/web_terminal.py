"""The terminal of a task's page: what its screen makes of control sequences, and a shell in a container."""

import json
import time

from browser import Failure

ESC = "\x1b"

# What is written to a screen of 4 rows and 10 columns, and what is seen then; `|` parts the lines.
SCREENS = [
    ("plain text", "one\r\ntwo", "one|two"),
    ("a line that is too long goes on in the next", "0123456789ab", "0123456789|ab"),
    ("the last column waits for the next character", "0123456789\rX", "X123456789"),
    ("lines leave at the top", "1\r\n2\r\n3\r\n4\r\n5", "2|3|4|5"),
    ("backspace and overwriting", "abc\b\bX", "aXc"),
    ("tabs", "a\tb", "a       b"),
    ("the cursor goes where it is told", f"{ESC}[2;3Hx{ESC}[Hy", "y|  x"),
    ("it stays on the screen", f"{ESC}[99;99Hx{ESC}[99Dy{ESC}[99Az", " z|||y        x"),
    ("the rest of a line is erased", f"abcdef{ESC}[3D{ESC}[K", "abc"),
    ("the start of a line is erased", f"abcdef{ESC}[3D{ESC}[1K", "    ef"),
    ("the rest of the screen is erased", f"a\r\nb\r\nc{ESC}[2;1H{ESC}[J", "a"),
    ("everything is erased", f"a\r\nb{ESC}[2J{ESC}[Hc", "c"),
    ("characters are put in and taken out", f"abcd{ESC}[1;2H{ESC}[2@XY{ESC}[1P", "aXYcd"),
    ("characters are blanked", f"abcd\r{ESC}[2X", "  cd"),
    ("lines are put in and taken out", f"1\r\n2\r\n3{ESC}[1;1H{ESC}[L0{ESC}[3;1H{ESC}[M", "0|1|3"),
    ("a region scrolls by itself", f"a\r\nb\r\nc\r\nd{ESC}[2;3r{ESC}[3;1H\nX", "a|c|X|d"),
    ("backwards, too", f"a\r\nb\r\nc\r\nd{ESC}[2;3r{ESC}[2;1H{ESC}MX", "a|X|b|d"),
    ("a program's own screen goes with it", f"before{ESC}[?1049h{ESC}[Hinside{ESC}[?1049l!", "before!"),
    ("titles are not shown", f"a{ESC}]0;title\x07b{ESC}]2;title{ESC}\\c", "abc"),
    ("unknown sequences are not shown", f"a{ESC}[?2026hb{ESC}[38;5;200;1mc{ESC}(Bd{ESC}[1;2$ze", "abcde"),
    ("lines are drawn", f"{ESC}(0lqk{ESC}(Bx", "┌─┐x"),
    ("wide characters take two columns", f"日本{ESC}[1;3HX", "日X"),
    ("accents belong to what is before them", "e\u0301x", "e\u0301x"),
    ("a place is remembered", f"ab{ESC}7cd{ESC}8X", "abXd"),
    ("the last character is repeated", f"a{ESC}[3b", "aaaa"),
    ("a sequence cut short does no harm", f"a{ESC}[12", "a"),
    ("numbers without measure do no harm", f"a{ESC}[99999999999Cb{ESC}[99999999999;9999999999Hc{ESC}[99999999L", "a        b|||"),
]

SCREEN = """(async () => {
  const { Screen } = await import('/ui/screen.js');
  const answers = [];
  const screen = new Screen(4, 10, (text) => answers.push(text));
  for (const piece of %s) screen.write(piece);
  return { text: screen.text.split('\\n').join('|').replace(/\\|+$/, ''), answers,
           looks: screen.lines[0].cells.slice(0, 3).map((cell) => cell.style), history: screen.scrolled.length };
})()"""


def screens(page):
    def show(*pieces):
        return page.run(SCREEN % json.dumps(pieces))

    for what, written, seen in SCREENS:
        for pieces in ([written], list(written)):
            shown = show(*pieces)["text"]
            if shown != seen.rstrip("|"):
                raise Failure(f"{what}: {written!r} shows {shown!r}, not {seen!r}")
    if show(f"ab{ESC}[6n")["answers"] != [f"{ESC}[1;3R"]:
        raise Failure("a program that asks where the cursor is gets no answer")
    looks = show(f"{ESC}[1;31ma{ESC}[0mb{ESC}[38;5;196;48;2;1;2;3mc")["looks"]
    if (looks[0]["bold"], looks[0]["fg"], looks[1]["fg"], looks[2]["fg"], looks[2]["bg"]) != (True, 1, None, "#ff0000", "#010203"):
        raise Failure(f"looks: {looks}")
    if show("1\r\n2\r\n3\r\n4\r\n5\r\n6")["history"] != 2:
        raise Failure("what left at the top is not kept")
    wrong = page.run("""(async () => {
      const { Screen } = await import('/ui/screen.js');
      let seed = 7;
      const next = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
      const alphabet = ['\\x1b', '[', '?', ';', '1', '9', '4', '7', 'h', 'l', 'm', 'J', 'K', 'L', 'M', 'P', '@', 'r', 'H', 'S', 'T', 'X',
        '\\n', '\\r', '\\t', '\\b', 'a', '日', '\\u0301', ']', '\\x07', '0', '(', 'c', 'D', 'b'];
      for (let round = 0; round < 300; round += 1) {
        const screen = new Screen(1 + next(6), 1 + next(12));
        for (let count = 0; count < 400; count += 1) {
          screen.write(alphabet[next(alphabet.length)]);
          if (next(50) === 0) screen.resize(1 + next(6), 1 + next(12));
        }
        const isWhole = screen.lines.length === screen.rows && screen.lines.every((line) => line.cells.length === screen.columns)
          && screen.cursor.row >= 0 && screen.cursor.row < screen.rows && screen.cursor.column >= 0 && screen.cursor.column < screen.columns;
        if (!isWhole) return round;
      }
      return null;
    })()""")
    if wrong is not None:
        raise Failure(f"random sequences (round {wrong}) break the screen")


def shell(page, shot):
    """On the page of a task that runs."""
    page.click("button", "Open a terminal")
    shown = "document.querySelector('.terminal .screen').innerText"
    page.wait("the shell prompts", f"/[#$] *$/.test({shown}.trimEnd())", 60)

    def enter(text, seen):
        page.type(text)
        page.press("Enter", virtual=13)
        page.wait(f"'{text}' shows '{seen}'", f"{shown}.includes({json.dumps(seen)})", 30)

    enter("echo in$((40 + 2))side; pwd", "in42side")
    enter("tty > /dev/null && echo 'a '\"terminal\"", "a terminal")
    enter("printf '\\033[31mre'd'\\033[0m <b>bold</b>\\n'", "red <b>bold</b>")
    page.wait("colours are shown", "[...document.querySelectorAll('.screen .fg1')].some((one) => one.textContent === 'red')")

    def rows(mark):
        enter(f"stty size | tr ' ' {mark}", mark)
        return int(page.wait("the size is told", f"/(\\d+){mark}\\d+/.exec({shown})?.[1]"))

    before = rows("x")
    page.run("document.querySelector('.terminal .screen').style.height = '200px'")
    time.sleep(0.5)
    after = rows("y")
    if after >= before:
        raise Failure(f"the terminal was {before} and is {after} rows high when it is made smaller")
    page.run("document.querySelector('.terminal .screen').style.height = ''")
    # Control C ends what runs; the keys of the page are no commands here.
    page.type("sleep 1000; echo status $?")
    page.press("Enter", virtual=13)
    time.sleep(0.5)
    page.press("c", "KeyC", 67, modifiers=2)
    enter("echo after'wards'", "afterwards")
    page.press("2", "Digit2", 50)
    page.wait("a digit is typed", f"/[#$] *2 *$/.test({shown}.trimEnd())")
    page.press("Backspace", virtual=8)
    enter("seq 500 | sed 's/$/ lines/'", "500 lines")
    page.wait("what has scrolled away is kept", f"{shown}.includes('77 lines')")
    shot("terminal")
    page.type("exit 3")
    page.press("Enter", virtual=13)
    page.wait_for_text("The shell has ended with status 3.")
    page.click(".terminal button", "Start another")
    page.wait("another shell prompts", f"/[#$] *$/.test({shown}.trimEnd())", 60)
    page.press("Enter", "Enter", 13, modifiers=10)
    page.wait("the focus can leave", "document.activeElement.tagName === 'BUTTON'")
    page.click(".terminal button", "Close")
    page.wait("it is closed", "document.querySelector('.terminal') === null")
