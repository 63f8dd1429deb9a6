"""What the checks share: the files of the project, and C with its comments and strings told apart."""
import re
import subprocess

PRODUCT = ("src/", "include/", "workflows/")


def project_files():
    """Files that git tracks or would track, so that a new file is checked before it is committed."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True).stdout
    for name in sorted(set(listed.decode().split("\0"))):
        try:
            with open(name, encoding="utf-8") as file:
                yield name, file.read()
        except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
            continue  # deleted, "", a submodule; or binary


def product_c(files):
    return [(name, text) for name, text in files if name.startswith(PRODUCT) and name.endswith((".c", ".h"))]


TOKEN = re.compile(r"""(?P<comment>/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*)"""
                   r"""|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""", re.S)


def blank(text):
    """The same number of characters and lines, all white."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return TOKEN.sub(lambda token: blank(token[0]) if token["comment"] else token[0], text)


def code_only(text):
    """Without comments, and with strings emptied (their quotes stay)."""
    def empty(token):
        if token["comment"]:
            return blank(token[0])
        return token[0][0] + blank(token[0][1:-1]) + token[0][-1]
    return TOKEN.sub(empty, text)


def comments(text):
    """(offset, text) of each comment; `//` lines that follow one another are one comment."""
    found = []
    for token in TOKEN.finditer(text):
        if not token["comment"]:
            continue
        if found and token[0].startswith("//") and found[-1][1].startswith("//"):
            start, before = found[-1]
            between = text[start + len(before):token.start()]
            if between.count("\n") == 1 and not between.strip():
                found[-1] = (start, before + between + token[0])
                continue
        found.append((token.start(), token[0]))
    return found


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def report(name, findings):
    """Prints the findings and gives the exit code."""
    for file, line, words in sorted(findings):
        print(f"{file}:{line}: {words}")
    if findings:
        print(f"{name}: {len(findings)} found")
    return 1 if findings else 0
