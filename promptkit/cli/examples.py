"""Examples of each command, as `promptkit COMMAND --help` shows them: lines that work when pasted, with names of one's own."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EXAMPLES"]

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "demo": ("promptkit demo", "promptkit demo --open"),
    "doctor": ("promptkit doctor", "promptkit doctor --json"),
    "templates": ("promptkit templates sticker", "promptkit templates new poster ./prompts", "promptkit templates check ./prompts"),
    "templates show": ("promptkit templates sticker", "promptkit templates show edit.add", "promptkit templates -L ./prompts poster"),
    "templates list": ("promptkit templates list", "promptkit templates list -L ./prompts --json"),
    "templates new": (
        "promptkit templates new poster ./prompts",
        'promptkit templates new badge ./prompts --from-brackets "A [style] badge of a [subject]"',
    ),
    "templates check": ("promptkit templates check ./prompts", "promptkit templates check --codes"),
    "templates render": (
        "promptkit templates render ./prompts -o rendered",
        "promptkit templates render -t sticker -t logo",
        "promptkit templates render --all",
    ),
    "templates diff": ("promptkit templates diff main ./prompts",),
    "templates test": ("promptkit templates test ./prompts -o rendered",),
    "render": (
        'promptkit render -t sticker -i subject="happy bear" --lang ja',
        "promptkit render -t sticker -i subject=@subject.txt",
        'promptkit render -L ./prompts -t poster -i subject="a fox"',
    ),
    "generate": (
        'promptkit generate "a red fox in snow" -s ./fox -e offline',
        'promptkit generate -t sticker -i subject="happy red panda" -s ./panda -o panda.png',
        "promptkit generate @prompt.txt -s ./fox --aspect-ratio 16:9 --budget 2",
        "promptkit generate - -s ./fox -o - < prompt.txt > fox.png",
    ),
    "edit": (
        'promptkit edit "add a hat" -s ./fox',
        'promptkit edit "in the style of the other picture" -s ./fox --on 2 -r style.png',
        'promptkit edit "it wears the hat" -s ./fox -r hat',
        "promptkit edit -t edit.style_transfer -i style=watercolour -s ./fox",
    ),
    "vary": (
        'promptkit vary "make it night" -n 3 -s ./fox',
        "promptkit vary -t edit.style_transfer --each style=ink --each style=oil -s ./fox",
    ),
    "add": ("promptkit add photo.png -s ./fox", "promptkit add retouched.png --on 3 -s ./fox"),
    "reference": (
        'promptkit reference hat hat.png -s ./fox --description "a straw hat"',
        "promptkit reference hat -s ./fox",
        "promptkit reference -s ./fox",
    ),
    "make": ("promptkit make crop --ratio 4:5 -s ./fox", "promptkit make convert webp -s ./fox -o fox.webp"),
    "make crop": ("promptkit make crop --ratio 4:5 --focus top -s ./fox", "promptkit make crop 50%x50%+25%+25% -s ./fox --on 1"),
    "make resize": ("promptkit make resize --longest 800 -s ./fox", "promptkit make resize --scale 50% -s ./fox -o small.png"),
    "make pad": ("promptkit make pad --ratio 16:9 -s ./fox", "promptkit make pad --ratio 1:1 --fill transparent -s ./fox"),
    "make convert": ("promptkit make convert webp --quality 80 -s ./fox", "promptkit make convert jpeg --max-bytes 200000 -s ./fox"),
    "make channels": (
        "promptkit make channels story=9:16 post=1080x1080 -s ./fox",
        "promptkit make channels story=9:16 --fit pad --fill black -s ./fox -o 'out-{label}'",
    ),
    "undo": ("promptkit undo -s ./fox",),
    "redo": ("promptkit redo -s ./fox",),
    "goto": ("promptkit goto 3 -s ./fox", 'promptkit goto "for the client" -s ./fox'),
    "tag": ('promptkit tag "for the client" -s ./fox', "promptkit tag first 1 -s ./fox"),
    "mark": (
        'promptkit mark 5 7 keep --stars 4 --by client --note "bluer" -s ./fox',
        "promptkit mark 3 --region 50%x50%+0%+0% --note here -s ./fox",
        "promptkit mark @4stars keep -s ./fox",
        "promptkit mark 3 none -s ./fox",
    ),
    "marks": (
        "promptkit marks -s ./fox",
        "promptkit marks client.json -s ./fox",
        "promptkit marks - --by client -s ./fox < mail.txt",
    ),
    "forget": ("promptkit forget 3 -s ./fox --dry-run", "promptkit forget 3-8 12 -s ./fox --words"),
    "log": (
        "promptkit log -s ./fox --files",
        "promptkit log -s ./fox --cost",
        "promptkit log -s ./fox --marked keep",
        "promptkit log -s ./fox --json",
    ),
    "show": ("promptkit show -s ./fox", "promptkit show 3 -s ./fox --changes", "promptkit show 3 -n 1 --full -s ./fox"),
    "drift": ("promptkit drift -s ./fox", "promptkit drift 7 -s ./fox", "promptkit drift -s ./fox --json"),
    "verify": ("promptkit verify -s ./fox",),
    "page": (
        "promptkit page -s ./fox --open",
        "promptkit page 1-3 -s ./fox -o fox.html --embed originals --lang de",
        "promptkit page 2-3 -s ./fox --review -o for-client.html --title 'Your fox'",
        "promptkit page -s ./fox --serve --open",
        "promptkit page -s ./fox -o sheet.png",
    ),
    "sheet": (
        "promptkit sheet -s ./fox -o fox.png",
        "promptkit sheet --trail -s ./fox -o path.png",
        "promptkit sheet 3-8 -s ./fox --columns 3 -o six.png",
        "promptkit sheet -s ./fox --rows palette --columns style -o grid.png",
    ),
    "sessions": ("promptkit sessions", "promptkit sessions ./work"),
    "find": ("promptkit find fox snow", 'promptkit find "red fox" --in ./work', "promptkit find --marked keep --in ./work"),
    "which": ("promptkit which fox.png", "promptkit which fox.png --in ./work --similar"),
    "export": (
        "promptkit export -s ./fox -o fox.zip --all",
        'promptkit export -s ./fox --step "for the client" --strip',
        "promptkit export -s ./fox -o - > fox.zip",
    ),
    "import": ("promptkit import fox.zip", "promptkit import fox.zip -s ./another"),
    "save": (
        "promptkit save -s ./fox -o fox.png",
        "promptkit save 3 -s ./fox -o '{session}-{number}.jpg'",
        "promptkit save -s ./fox -o fox.png --embed",
        "promptkit save --run ./stickers -o 'out/{label}-{take}.jpg' --size 1200",
    ),
    "embedded": ("promptkit embedded fox.png",),
    "replay": (
        "promptkit replay -s ./fox --into ./again --dry-run",
        'promptkit replay -s ./fox --into ./owl --start owl.png -i subject="an owl"',
    ),
    "squash": ("promptkit squash 2 4 -s ./fox", 'promptkit squash 2 4 "add a hat, at night" -s ./fox'),
    "run": (
        "promptkit run animals.csv -t sticker --into ./stickers -e offline --dry-run",
        "promptkit run animals.csv -t sticker -t edit.style_transfer -i 2.style=ink --into ./ink --budget 5",
        "promptkit run animals.csv -t sticker --column subject=Bezeichnung --takes 2 --into ./stickers",
        "promptkit run animals.csv -t sticker --into ./stickers -e google --batch --wait",
        "promptkit run --into ./stickers --status",
        "promptkit run --into ./stickers --retry refused text",
    ),
    "recipe": ("promptkit recipe -s ./fox -o night.json", "promptkit recipe 3 -s ./fox -o - > night.json"),
    "price": ("promptkit price google", "promptkit price deerapi gemini-2.5-flash-image 0.30 CNY"),
    "completion": (
        "promptkit completion bash >> ~/.bashrc",
        "promptkit completion zsh >> ~/.zshrc",
        "promptkit completion fish > ~/.config/fish/completions/promptkit.fish",
    ),
    "painter": ("promptkit painter --port 8765",),
}
