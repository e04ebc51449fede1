// The keys are the lab's from the first moment: without this a click on the terminal is needed before.
new MutationObserver((changes, observer) => {
  if (document.body.classList.contains("-first-byte")) {
    observer.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }
}).observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ["class"] });
