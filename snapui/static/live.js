/* Asks twice a second what is new in the journal, less often beside many other pages, and hands it
   to the parts of the page. */
window.snapui = (() => {
  const POLL = 500;
  const PAGE = Math.random().toString(36).slice(2);
  const ASKED = "snapui-asked";
  const followers = new Set();
  let parts = {};
  let seen = "";
  let key = null;
  let again = false;
  let rest = POLL;
  let wake = () => {};

  /* Fill in the cards that have not changed since this page asked last. */
  function merge(fresh) {
    for (const [name, part] of Object.entries(fresh)) {
      const known = new Map(parts[name] && parts[name].cards);
      for (const card of part.cards) card[1] ??= known.get(card[0]);
    }
    parts = fresh;
  }

  function tell(trouble) {
    const told = document.getElementById("trouble");
    if (told && told.textContent !== trouble) told.textContent = trouble;
  }

  /* Say whether what was pressed was taken, to the parts that wait to hear it. */
  function answered(isAccepted) {
    document.dispatchEvent(new CustomEvent("snapui-answered", { detail: isAccepted }));
  }

  async function ask() {
    try {
      const answer = await fetch(`snapui/live?seen=${seen}&key=${key}&page=${PAGE}`);
      if (answer.status === 401) return location.reload();  /* the page asks for the password */
      if (!answer.ok) throw new Error(answer.status);
      rest = 1000 * answer.headers.get("X-Rest") || POLL;
      if (answer.status === 200) {
        const news = await answer.json();
        merge(news.parts);
        seen = news.seen;
        tell(news.trouble);
      }
    } catch {
      [seen, rest] = ["", POLL];  /* a program that comes back is asked for everything */
      answered(false);  /* it may never have heard what was pressed */
      tell("The program does not answer. Nothing is lost: start it again, and this page goes on.");
    }
    for (const follower of followers) {
      try {
        follower();
      } catch (error) {
        reportError(error);  /* one part that fails must not keep the others from the news */
      }
    }
  }

  async function poll() {
    for (;;) {
      again = false;
      await ask();
      if (!again) await new Promise((done) => { wake = done; setTimeout(done, rest); });
    }
  }

  /* Call `act` after every answer for as long as the element is on the page. */
  function follow(element, act) {
    let was = false;
    const follower = () => {
      if (element.isConnected) act();
      else if (was) followers.delete(follower);
      was ||= element.isConnected;
    };
    followers.add(follower);
    follower();
  }

  /* Look now, for what was just pressed. */
  function look() {
    again = true;
    wake();
  }

  /* The jobs that were asked for in this browser tab, also before a refresh. */
  const asked = () => JSON.parse(sessionStorage.getItem(ASKED) || "[]");

  return {
    asked,
    look,
    /* Keep the numbers of jobs that were just asked for, tell the sheet whether there is a new one
       or what was pressed was refused, and look. */
    ask(ids) {
      const isNew = ids.some((id) => !asked().includes(id));
      answered(isNew);
      sessionStorage.setItem(ASKED, JSON.stringify([...new Set([...asked(), ...ids])]));
      look();
    },
    start(given) {
      if (key !== null) return;
      key = given;
      poll();
    },
    /* Have `show` called with the value of a part whenever that has changed. */
    show(name, element, show) {
      let shown = null;
      follow(element, () => {
        if (!parts[name] || parts[name] === shown) return;
        shown = parts[name];
        show(shown);
      });
    },
    /* Have `act` called when there is news and the element can be seen, once a second at most. */
    news(element, act) {
      let known = "";
      let last = 0;
      follow(element, () => {
        const now = performance.now();
        if (seen === known || !element.offsetParent || now - last < 2 * POLL) return;
        [known, last] = [seen, now];
        act();
      });
    },
  };
})();
