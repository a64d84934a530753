/* Gradio keeps what was typed in the browser's localStorage, which all its tabs share: the last one
   to write would have the word in every other after a refresh. So each tab has a copy of its own
   and reads that; a new tab begins with what was written last in any. */
(() => {
  const { getItem, setItem } = Storage.prototype;
  const isMemory = (storage, key) => storage === localStorage && key.startsWith("snapui-memory-");
  Storage.prototype.getItem = function (key) {
    const own = isMemory(this, key) ? getItem.call(sessionStorage, key) : null;
    return own ?? getItem.call(this, key);
  };
  Storage.prototype.setItem = function (key, value) {
    if (isMemory(this, key)) setItem.call(sessionStorage, key, value);
    setItem.call(this, key, value);
  };
})();
